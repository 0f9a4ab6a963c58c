"""Reads tiles from the site's own tables: full ones as stored, partial ones computed."""

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any, LiteralString

from ledger.errors import LedgerDamaged
from ledger.hashing import HASH_BYTES
from ledger.tiles import WIDTH, TileId

# Sends one query; every row of the answer.
Fetch = Callable[[LiteralString, Sequence[Any]], Sequence[tuple[Any, ...]]]

FULL = "SELECT hashes FROM ledger.tile WHERE level = %s AND index = %s"
LEAVES = """
    SELECT leaf_hash FROM ledger.entry WHERE seq >= %s AND seq < %s ORDER BY seq
"""
ROOTS = """
    SELECT root FROM ledger.tile
    WHERE level = %s AND index >= %s AND index < %s ORDER BY index
"""
KEPT = 512  # tiles in memory: 4 MiB


class TileRows:
    """Tiles of one log. What it has read once it keeps: a tile never changes."""

    def __init__(self, fetch: Fetch) -> None:
        self._fetch = fetch
        self._kept = lru_cache(maxsize=KEPT)(self._one)

    def read(self, tiles: Sequence[TileId]) -> Mapping[TileId, bytes]:
        """Each asked tile's hashes (ledger.tiles.ReadTiles).

        Raises:
            LedgerDamaged: the tables do not hold it.
        """
        return {tile: self._kept(tile) for tile in tiles}

    def _one(self, tile: TileId) -> bytes:
        if tile.is_full:
            found = self._fetch(FULL, [tile.level, tile.index])
        else:
            found = self._partial(tile)
        hashes = b"".join([bytes(row[0]) for row in found])
        if len(hashes) != tile.width * HASH_BYTES:
            raise LedgerDamaged(
                (tile.index * WIDTH) << (8 * tile.level),
                f"The log does not hold tile {tile.level}/{tile.path}.",
            )
        return hashes

    def _partial(self, tile: TileId) -> Sequence[tuple[Any, ...]]:
        first = tile.index * WIDTH
        if tile.level == 0:
            return self._fetch(LEAVES, [first, first + tile.width])
        return self._fetch(ROOTS, [tile.level - 1, first, first + tile.width])
