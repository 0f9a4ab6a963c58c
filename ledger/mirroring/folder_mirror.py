"""A copy of a foreign log in a folder, laid out and served as C2SP tlog-tiles has it."""

import os
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path

from ledger.checkpoint import Checkpoint, unverified
from ledger.errors import RemoteDamaged
from ledger.hashing import HASH_BYTES, leaf_hashes
from ledger.head_guard import HeadGuard
from ledger.merkle import perfect_root
from ledger.mirroring.remote_log import RemoteLog
from ledger.tile_http import bundled, unbundled
from ledger.tiles import (
    WIDTH,
    TiledTree,
    TileId,
    index_path,
    root,
    split_hashes,
)


class FolderMirror:
    """What has been copied of one log (ledger.tile_http.ServedLog).

    ``tile/<level>/<number>`` and ``tile/entries/<number>`` are full tiles and bundles,
    ``tail/<number>.p/<width>`` the bundle that still grows, ``checkpoint`` says how far
    all of it is proven: it is written last, and nothing beyond it is ever read, so that
    a copy that was broken off is not believed.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._head = HeadGuard(folder / "checkpoint")
        self._full = lru_cache(maxsize=512)(self._full_tile)
        self._root = lru_cache(maxsize=4096)(self._tile_root)

    def size(self) -> int:
        """How many entries are copied."""
        note = self._head.read()
        return unverified(note).size if note else 0

    def checkpoint(self) -> str | None:
        """The checkpoint up to which all is copied, as the log served it."""
        return self._head.read()

    def read(self, tiles: Sequence[TileId]) -> Mapping[TileId, bytes]:
        """The hashes of tiles below its size."""
        return {tile: b"".join(self._hashes(tile)) for tile in tiles}

    def entries(self, start: int, end: int) -> Sequence[bytes]:
        """The entries [start, end) of one bundle.

        Raises:
            RemoteDamaged: the copy has lost some of them.
        """
        index, first = start // WIDTH, start - start % WIDTH
        held = min(self.size() - first, WIDTH)
        return self._bundle(index, held)[start - first : end - first]

    def update(self, remote: RemoteLog) -> int:
        """Copy what the log has signed since.

        Returns:
            How many entries were copied.

        Raises:
            PartyUnreachable: the log does not answer, or does not admit this mirror.
            NoteRejected: what it serves is not its checkpoint.
            RemoteDamaged: it has signed something that does not continue this copy,
                or serves something else than it has signed; the copy stays.
        """
        held, (head, note) = self._head.read(), remote.head()
        size = unverified(held).size if held else 0
        if head.size < size:
            self._check_older(head)
            return 0
        tree = TiledTree.restored(size, self.read)
        promised = remote.promised(tree, head)
        tail = self._bundle(size // WIDTH, size % WIDTH)
        for start, bodies, hashes in remote.entries(promised, held=self._at_hand):
            tail = (tail if start % WIDTH else []) + bodies
            last = (start + len(bodies) - 1) // WIDTH
            self._write(self._bundle_path(last, len(tail)), bundled(tail))
            for tile in tree.extend(hashes):
                self._write(self._tile_path(tile.level, tile.index), tile.hashes)
        if note != held:
            # Of the same size as well: cosignatures arrive after the checkpoint.
            self._head.swap(expected=held, note=note)
            self._forget_tails(self._bundle_path(head.size // WIDTH, head.size % WIDTH))
        return head.size - size

    def _check_older(self, head: Checkpoint) -> None:
        """A log that shows less than it did must at least show the same."""
        if head.size and root(head.size, self.read) != head.root:
            raise RemoteDamaged(
                f"{head.origin} has signed another history of {head.size} entries than"
                " this copy holds."
            )

    def _forget_tails(self, kept: Path) -> None:
        """What the tail was at smaller sizes is not read any more."""
        for path in (self._folder / "tail").rglob("*"):
            if path.is_file() and path != kept:
                path.unlink()

    def _at_hand(self, tile: TileId) -> Sequence[bytes]:
        """A bundle that an update which was broken off has left, if it can be read."""
        path = self._bundle_path(tile.index, tile.width)
        return (unbundled(path.read_bytes()) or ()) if path.exists() else ()

    def _bundle(self, index: int, width: int) -> list[bytes]:
        """The first entries of a bundle, as many as the checkpoint has proven."""
        if not width:
            return []
        path = self._bundle_path(index, width)
        bodies = unbundled(_read(path))
        if bodies is None or len(bodies) != width:
            raise RemoteDamaged(f"The copy is damaged: {path}.")
        return bodies

    def _bundle_path(self, index: int, width: int) -> Path:
        if width == WIDTH:
            return self._folder / "tile" / "entries" / index_path(index)
        return self._folder / "tail" / index_path(index, width)

    def _hashes(self, tile: TileId) -> Iterator[bytes]:
        first = tile.index * WIDTH
        if tile.is_full:
            yield self._full(tile.level, tile.index)
        elif tile.level == 0:
            yield from leaf_hashes(self.entries(first, first + tile.width))
        else:
            for index in range(first, first + tile.width):
                yield self._root(tile.level - 1, index)

    def _full_tile(self, level: int, index: int) -> bytes:
        hashes = _read(self._tile_path(level, index))
        if len(hashes) != WIDTH * HASH_BYTES:
            raise RemoteDamaged(f"The copy is damaged: tile {level}/{index}.")
        return hashes

    def _tile_root(self, level: int, index: int) -> bytes:
        return perfect_root(split_hashes(self._full(level, index)))

    def _tile_path(self, level: int, index: int) -> Path:
        return self._folder / "tile" / str(level) / index_path(index)

    @staticmethod
    def _write(path: Path, data: bytes) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        written = path.with_name(f"{path.name}.new")
        with written.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        written.replace(path)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError as error:
        raise RemoteDamaged(f"The copy has lost {path}.") from error
