"""Keeps blocks in an IPFS node that speaks the Kubo RPC."""

import ipaddress
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from io import BytesIO
from typing import Any
from urllib.parse import urlsplit

from multiformats import CID

from records.storage.cids import codec_of
from records.storage.errors import BlockDamaged, BlockMissing, StoreUnavailable
from records.storage.unixfs import LARGEST_BLOCK, Block, build, check_block, read

# The client's own patches of requests pass urllib3 an argument that it no longer has.
# They only serve Unix sockets, which this store does not use. Read at import.
os.environ.setdefault("PY_IPFS_HTTP_CLIENT_PATCH_REQUESTS", "no")

import ipfshttpclient
from ipfshttpclient.client.block import Section as BlockSection
from ipfshttpclient.exceptions import (
    AddressError,
    CommunicationError,
    EncoderError,
    ErrorResponse,
)

PATIENCE_SECONDS = 10.0
COLLECTION_SECONDS = 600.0


class IpfsStore:
    """A content store in one IPFS node, with what its peers let it fetch.

    Blocks are computed here and put as blocks, so no default of the node has a say in
    a CID; a document is pinned by its root. A block under two pins stays until both
    are gone: the node's collection sees to that. Reading fetches from the node's peers
    what the node itself has not.

    Args:
        api: the node's RPC address, as multiaddr (``/ip4/127.0.0.1/tcp/5001``) or
            URL (``http://127.0.0.1:5001``). Whoever reaches it commands the node.
        patience: seconds the node may look for a block, here and at its peers.

    Raises:
        ValueError: ``api`` is neither. The node is not asked before it is needed.
    """

    def __init__(self, api: str, *, patience: float = PATIENCE_SECONDS) -> None:
        self._api = api
        self._patience = patience
        try:
            # Not connect(): it refuses nodes newer than the client.
            self._client = ipfshttpclient.Client(
                _multiaddr(api), timeout=3 * patience + 30
            )
        except AddressError as error:
            raise ValueError(f"'{api}' is not the address of an IPFS node.") from error

    def put(self, content: Iterable[bytes]) -> CID:
        """See ``ContentStore.put``.

        Each block is read back. Nodes take no new copy of a block they believe to
        have, so a damaged one is dropped first, which they refuse for pinned ones.
        If it raises, the blocks that the node already has are not pinned and go with
        its next collection. A collection by someone else in the middle of a put makes
        it fail rather than leave a hole: pinning walks the whole document.
        """
        root = None
        for block in build(content):
            root = self._put_block(block)
        if root is None:
            raise ValueError("A document has at least one block.")
        with self._node_errors_in_words():
            self._client.pin.add(str(root), opts=_time_limit(3 * self._patience))
        return root

    def read(self, cid: CID) -> Iterator[bytes]:
        """See ``ContentStore.read``."""
        return read(cid, self._get_block)

    def block(self, cid: CID, *, of: CID) -> bytes:
        """See ``ContentStore.block``; the one thing that peers must let others ask."""
        return check_block(cid, self._get_block(cid))

    def has(self, cid: CID) -> bool:
        """See ``ContentStore.has``; asks for the pin."""
        with self._node_errors_in_words():
            try:
                self._client.pin.ls(str(cid), type="recursive")
            except ErrorResponse as error:
                return _unless_not_pinned(error)
        return True

    def remove(self, cid: CID) -> None:
        """See ``ContentStore.remove``; takes the pin away."""
        with self._node_errors_in_words():
            try:
                self._client.pin.rm(str(cid))
            except ErrorResponse as error:
                _unless_not_pinned(error)

    def collect(self) -> None:
        """See ``ContentStore.collect``; the node drops all that is not pinned."""
        with self._node_errors_in_words():
            self._client.repo.gc(quiet=True, timeout=COLLECTION_SECONDS)

    def _put_block(self, block: Block) -> CID:
        cid = block.cid
        self._send_block(cid, block.data)
        if self._get_block(cid) != block.data:
            with self._node_errors_in_words():
                _BlockRemoval(self._client).drop(cid)
            self._send_block(cid, block.data)
            if self._get_block(cid) != block.data:
                raise BlockDamaged(cid)
        return cid

    def _send_block(self, cid: CID, data: bytes | memoryview) -> None:
        # Kubo calls "format" deprecated, js-ipfs knows nothing else, and Kubo refuses
        # "cid-codec" beside it; the answer is compared, so a change will be noticed.
        options = {"format": codec_of(cid), "mhtype": "sha2-256", "version": 1}
        with self._node_errors_in_words():
            answer = self._client.block.put(BytesIO(data), opts=options)
        # Nodes answer in whichever base they like.
        if CID.decode(answer["Key"]) != cid:
            raise StoreUnavailable(
                f"The IPFS node at {self._api} stores blocks under other CIDs "
                "than theirs; it cannot be used."
            )

    def _get_block(self, cid: CID) -> bytes:
        with self._node_errors_in_words():
            try:
                limit = _time_limit(self._patience)
                parts = self._client.block.get(str(cid), stream=True, opts=limit)
            except ErrorResponse:
                raise BlockMissing(cid) from None
            with parts:
                return _join_block(cid, parts)

    @contextmanager
    def _node_errors_in_words(self) -> Iterator[None]:
        # OSError: requests' own errors, where they come through.
        try:
            yield
        except ErrorResponse as error:
            raise StoreUnavailable(
                f"The IPFS node at {self._api} refused: {error}."
            ) from error
        except (CommunicationError, EncoderError, OSError) as error:
            raise StoreUnavailable(
                f"The IPFS node at {self._api} does not answer."
            ) from error


class _BlockRemoval(BlockSection):  # type: ignore[misc]  # the client has no types
    """The one call of the RPC that the client leaves out."""

    def drop(self, cid: CID) -> None:
        """Make the node forget a block; it keeps one that is pinned."""
        self._client.request("/block/rm", (str(cid),), opts={"force": "true"})


def _time_limit(seconds: float) -> dict[str, str]:
    return {"timeout": f"{round(1000 * seconds)}ms"}


def _join_block(cid: CID, parts: Iterable[Any]) -> bytes:
    data = bytearray()
    for part in parts:
        data += part
        if len(data) > LARGEST_BLOCK:
            raise BlockDamaged(cid)
    return bytes(data)


def _unless_not_pinned(error: ErrorResponse) -> bool:
    """Return False for the answer that says so; raise every other one again."""
    if "not pinned" not in str(error):
        raise error
    return False


def _multiaddr(api: str) -> str:
    if api.startswith("/"):
        return api
    try:
        url = urlsplit(api)
        host, port = url.hostname, url.port
    except ValueError as error:
        raise ValueError(f"'{api}' is not the address of an IPFS node.") from error
    if url.scheme not in ("http", "https") or not host or url.path not in ("", "/"):
        raise ValueError(f"'{api}' is not the address of an IPFS node.")
    port = port or (443 if url.scheme == "https" else 80)
    return f"/{_host_protocol(host)}/{host}/tcp/{port}/{url.scheme}"


def _host_protocol(host: str) -> str:
    try:
        return f"ip{ipaddress.ip_address(host).version}"
    except ValueError:
        return "dns"
