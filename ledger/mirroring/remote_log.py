"""A log as another site serves it: every hash and entry proven before it is used."""

import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import NamedTuple

from ledger.checkpoint import Checkpoint, parse_and_verify
from ledger.encoding import decode_entry, genesis_hash, log_id
from ledger.errors import EncodingError, NoteRejected, PartyUnreachable, RemoteDamaged
from ledger.fetching import Party, Reply
from ledger.hashing import HASH_BYTES, leaf_hashes
from ledger.mirroring.access import authorization
from ledger.note import MAX_NOTE_BYTES
from ledger.signing import LogSigner
from ledger.tile_http import unbundled
from ledger.tiles import WIDTH, TiledTree, TileId, split_hashes
from ledger.verifier_key import VerifierKey

MAX_BUNDLE_BYTES = WIDTH * (2 + 65_535)


class Promised(NamedTuple):
    """The entries [start, end) by their hashes, proven by a checkpoint."""

    start: int
    end: int
    digests: Sequence[bytes]  # of each bundle: SHA-256 over its leaf hashes, joined
    roots: Mapping[int, bytes]  # of the tree, at the sizes asked for


@dataclass(frozen=True)
class Pass:
    """By whose key entries are asked for; the log must know it."""

    name: str
    signer: LogSigner


class RemoteLog:
    """One log, known by its origin with its key, at one address."""

    def __init__(
        self, *, key: VerifierKey, url: str, admission: Pass | None = None
    ) -> None:
        self.origin = key.name
        self._key = key
        self._party = Party(url)
        self._admission = admission

    def head(self) -> tuple[Checkpoint, str]:
        """The latest checkpoint served, with its note; signed by the log.

        Raises:
            PartyUnreachable: there is none to be had.
            NoteRejected: what is served is not this log's checkpoint.
        """
        reply = self._fetch("checkpoint", MAX_NOTE_BYTES)
        try:
            note = reply.body.decode()
        except UnicodeDecodeError as error:
            raise NoteRejected("The checkpoint served is no text.") from error
        found = parse_and_verify(
            note, origin=self.origin, public_key=self._key.public_key
        )
        return found, note

    def read(self, tiles: Sequence[TileId]) -> Mapping[TileId, bytes]:
        """The hashes of tiles (ledger.tiles.ReadTiles), proven by nothing yet.

        Raises:
            PartyUnreachable: a tile is not to be had.
            RemoteDamaged: a tile has another length.
        """
        return {tile: self._tile(tile) for tile in tiles}

    def promised(
        self, tree: TiledTree, head: Checkpoint, *, roots_at: Collection[int] = ()
    ) -> Promised:
        """What a checkpoint adds to a tree, bundle by bundle, proven by its root.

        Takes 32 bytes of memory for each bundle, however much the log has grown.

        Args:
            tree: what is held of the log already; left as it is.
            head: a checkpoint of the log, not smaller than the tree.
            roots_at: sizes at which the growing tree's root is asked for.

        Raises:
            PartyUnreachable: a tile is not to be had.
            RemoteDamaged: the tiles do not lead from the tree to the checkpoint.
        """
        grown, digests, roots = tree.copy(), list[bytes](), dict[int, bytes]()
        for tile in _leaf_tiles(tree.size, head.size):
            skipped = max(tree.size - tile.index * WIDTH, 0)
            hashes = split_hashes(self._tile(tile))[skipped:]
            digests.append(_digest(hashes))
            for leaf in hashes:
                grown.append(leaf)
                if grown.size in roots_at:
                    roots[grown.size] = grown.root()
        if (grown.size, grown.root()) != (head.size, head.root):
            raise RemoteDamaged(
                f"The tiles of {self.origin} do not lead from {tree.size} entries to"
                f" the {head.size} that it has signed."
            )
        return Promised(tree.size, head.size, digests, roots)

    def entries(
        self,
        promised: Promised,
        *,
        held: Callable[[TileId], Sequence[bytes]] = lambda tile: (),
    ) -> Iterator[tuple[int, list[bytes], list[bytes]]]:
        """The entries that a checkpoint has promised, bundle by bundle.

        Args:
            promised: from promised().
            held: a bundle that may be at hand already; believed if it is the one.

        Yields:
            The number of the first entry, the entries, their leaf hashes; at most 256.

        Raises:
            PartyUnreachable: a bundle is not to be had.
            RemoteDamaged: an entry is not the one that was hashed, or no entry.
        """
        start = promised.start
        previous = None if start else genesis_hash(self.origin)
        tiles = _leaf_tiles(start, promised.end)
        for tile, digest in zip(tiles, promised.digests, strict=True):
            at = max(start, tile.index * WIDTH)
            skipped = at - tile.index * WIDTH
            bodies = list(held(tile)[skipped:])
            hashes = leaf_hashes(bodies)
            if _digest(hashes) != digest:
                bodies = self._bundle(tile)[skipped:]
                hashes = leaf_hashes(bodies)
            if _digest(hashes) != digest:
                raise RemoteDamaged(
                    f"Entries {at} to {tile.end - 1} served are not the ones hashed."
                )
            for seq, body in enumerate(bodies, start=at):
                self._check(seq, body, previous)
                previous = hashes[seq - at]
            yield at, bodies, hashes

    def _check(self, seq: int, body: bytes, previous: bytes | None) -> None:
        """Refuse what is no entry of this number, whoever has hashed it."""
        try:
            entry = decode_entry(body)
        except EncodingError as error:
            raise RemoteDamaged(f"Entry {seq} cannot be read: {error}") from error
        if (entry.seq, entry.log_id) != (seq, log_id(self.origin)):
            raise RemoteDamaged(f"Entry {seq} served is another one.")
        if previous is not None and entry.previous_hash != previous:
            raise RemoteDamaged(f"Entry {seq} does not continue the chain.")

    def _tile(self, tile: TileId) -> bytes:
        hashes = self._fetch(f"tile/{tile.level}/{tile.path}", tile.width * 32).body
        if len(hashes) != tile.width * HASH_BYTES:
            raise RemoteDamaged(f"Tile {tile.level}/{tile.path} is cut short.")
        return hashes

    def _bundle(self, tile: TileId) -> list[bytes]:
        path = f"tile/entries/{tile.path}"
        bodies = unbundled(self._fetch(path, MAX_BUNDLE_BYTES).body)
        if bodies is None or len(bodies) != tile.width:
            raise RemoteDamaged(f"The bundle {tile.path} is cut short.")
        return bodies

    def _fetch(self, path: str, most: int) -> Reply:
        reply = self._party.get(path, most=most, authorization=self._pass(path))
        if reply.status != 200:
            raise PartyUnreachable(
                f"{self._party.prefix}/{path} answers {reply.status}: {reply.sentence}"
            )
        return reply

    def _pass(self, path: str) -> str:
        if self._admission is None or not path.startswith("tile/entries/"):
            return ""
        return authorization(
            origin=self.origin,
            path=path,
            time=int(time.time()),
            name=self._admission.name,
            signer=self._admission.signer,
        )


def _digest(hashes: Sequence[bytes]) -> bytes:
    return sha256(b"".join(hashes)).digest()


def _leaf_tiles(start: int, end: int) -> Iterator[TileId]:
    """The tiles of level 0 that hold the leaves [start, end)."""
    for index in range(start // WIDTH, -(-end // WIDTH) if end > start else 0):
        yield TileId(0, index, min(end - index * WIDTH, WIDTH))
