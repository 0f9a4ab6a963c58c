"""Keeps documents in one store, with other nodes' blocks where it lost its own."""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from tempfile import TemporaryFile
from typing import Protocol

from multiformats import CID

from records.storage.content_store import ContentStore
from records.storage.errors import BlockDamaged, BlockError, StoreUnavailable
from records.storage.unixfs import read

PIECE = 1 << 20


class PeeredStore:
    """A content store that asks its peers for what it misses or has damaged.

    Only the own store is ever written to. A peer is trusted as little as the own
    store: a block with another hash is refused, and the next peer is asked. A node
    that does not answer is skipped. Where nobody has a block, the own store's refusal
    is the one that is raised, and only then is it raised. What was removed here can
    be read for as long as a peer keeps it.

    Args:
        own: where documents are put and removed.
        peers: other institutions' stores, asked in this order; none will do.
    """

    def __init__(self, own: ContentStore, peers: Sequence[ContentStore]) -> None:
        self._own = own
        self._peers = peers

    def put(self, content: Iterable[bytes]) -> CID:
        """See ``ContentStore.put``."""
        return self._own.put(content)

    def read(self, cid: CID) -> Iterator[bytes]:
        """See ``ContentStore.read``; every block comes from whoever has it sound."""
        nodes = [_Node(store) for store in (self._own, *self._peers)]
        return read(cid, lambda block: _first_sound(nodes, block, cid))

    def block(self, cid: CID, *, of: CID) -> bytes:
        """See ``ContentStore.block``."""
        return _first_sound([self._own, *self._peers], cid, of)

    def has(self, cid: CID) -> bool:
        """See ``ContentStore.has``; the own store's answer."""
        return self._own.has(cid)

    def remove(self, cid: CID) -> None:
        """See ``ContentStore.remove``; peers keep what they have."""
        self._own.remove(cid)

    def collect(self) -> None:
        """See ``ContentStore.collect``."""
        self._own.collect()

    def mend(self, cid: CID) -> bool:
        """Hash a document's own copy, and put it again where it is not sound or not kept.

        Nothing is given up before every block was seen sound somewhere. Memory: one
        block, however long the document is.

        Returns:
            Whether there was anything to mend.

        Raises:
            BlockMissing, BlockDamaged: no node has a block of it sound; the own copy
                is as it was.
            NodeRejected: the CID is not that of a document.
            StoreUnavailable: the own store does not answer, or a peer no longer does.
        """
        try:
            _drain(self._own.read(cid))
        except BlockError:
            _drain(self.read(cid))
        else:
            # A node reads what its swarm has, too; what it has not pinned, it does not keep.
            if self._own.has(cid):
                return False
        try:
            self._own.put(self._read_seen(cid))
        except BlockDamaged:
            # A node does not replace a block of a document that it has pinned. The whole
            # is at hand before the pin goes: a collection may come at any moment.
            with TemporaryFile() as whole:
                whole.writelines(self._read_seen(cid))
                whole.seek(0)
                self._own.remove(cid)
                self._own.put(iter(lambda: whole.read(PIECE), b""))
        return True

    def _read_seen(self, cid: CID) -> Iterator[bytes]:
        """Read what was sound a moment ago; a refusal here is not the own store's."""
        try:
            yield from self.read(cid)
        except BlockError as error:
            raise StoreUnavailable(
                "A node went away while a document was brought back from it."
            ) from error


class _HasBlocks(Protocol):
    def block(self, cid: CID, *, of: CID) -> bytes: ...


class _Node:
    """A store during one reading: where it was silent once, it is not awaited again."""

    def __init__(self, store: ContentStore) -> None:
        self._store = store
        self._silence: StoreUnavailable | None = None

    def block(self, cid: CID, *, of: CID) -> bytes:
        if self._silence:
            raise self._silence
        try:
            return self._store.block(cid, of=of)
        except StoreUnavailable as silence:
            self._silence = silence
            raise


def _first_sound(nodes: Iterable[_HasBlocks], block: CID, document: CID) -> bytes:
    refusals: list[BlockError | StoreUnavailable] = []
    for node in nodes:
        try:
            return node.block(block, of=document)
        except (BlockError, StoreUnavailable) as refusal:
            refusals.append(refusal)
    raise refusals[0]


def _drain(content: Iterator[bytes]) -> None:
    deque(content, maxlen=0)
