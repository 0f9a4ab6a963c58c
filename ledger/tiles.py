"""C2SP tiles: a log's tree cut into pieces of 256 hashes, from which every proof comes.

The hash i of level l is the root of the entries [i·256ˡ, (i+1)·256ˡ). Tile n of a
level holds its hashes 256·n to 256·n + 255.

https://c2sp.org/tlog-tiles
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from ledger.hashing import HASH_BYTES, joined_parents
from ledger.merkle import Path, joined, perfect_root

HEIGHT = 8
WIDTH = 1 << HEIGHT
MAX_LEVEL = 7  # 256⁸ entries are more than any log has

_INDEX = re.compile(r"(?:x[0-9]{3}/){0,6}[0-9]{3}", re.ASCII)
_PARTIAL = re.compile(r"[1-9][0-9]{0,2}", re.ASCII)


class TileId(NamedTuple):
    """Which tile, how much of it."""

    level: int  # 0 <= level <= 7
    index: int  # type: ignore[assignment] # a tuple has a method of that name
    width: int = WIDTH  # below 256: a partial tile

    @property
    def is_full(self) -> bool:
        """Whether the tile will never grow."""
        return self.width == WIDTH

    @property
    def end(self) -> int:
        """The size that a log has at least, if it has this tile."""
        return (self.index * WIDTH + self.width) << (HEIGHT * self.level)

    @property
    def path(self) -> str:
        """Its address below the log's prefix, without ``tile/<level>/``."""
        return index_path(self.index, self.width)


@dataclass(frozen=True, slots=True)
class FullTile:
    """256 hashes that have come together, with the root over them."""

    level: int
    index: int
    hashes: bytes  # 8,192
    root: bytes  # 32


# Reads tiles: each of the asked ids, with width · 32 bytes; or raises.
ReadTiles = Callable[[Sequence[TileId]], Mapping[TileId, bytes]]


def index_path(index: int, width: int = WIDTH) -> str:
    """A tile's number as C2SP writes it, e.g. ``x001/x234/067.p/5``."""
    groups = [f"{index % 1000:03}"]
    while index := index // 1000:
        groups.insert(0, f"x{index % 1000:03}")
    suffix = "" if width == WIDTH else f".p/{width}"
    return "/".join(groups) + suffix


def parse_index_path(path: str) -> tuple[int, int]:
    """The number and the width in such an address.

    Raises:
        ValueError: it is not written in the one way there is.
    """
    groups, partial, width = path.partition(".p/")
    if partial and not (_PARTIAL.fullmatch(width) and int(width) < WIDTH):
        raise ValueError(f"{width!r} is no width of a partial tile.")
    if not _INDEX.fullmatch(groups):
        raise ValueError(f"{path!r} is no tile's number.")
    index = int(groups.replace("x", "").replace("/", ""))
    found = index, int(width) if partial else WIDTH
    if index_path(*found) != path:
        raise ValueError(f"{path!r} has another written form.")
    return found


class TiledTree:
    """A growing tree that hands out each tile when it is full.

    Keeps at most 255 hashes of each level.
    """

    def __init__(self) -> None:
        self.size = 0
        self._levels: list[_Level] = [_Level()]

    def append(self, leaf_hash: bytes) -> list[FullTile]:
        """Add the next leaf; returns the tiles that it completes, lowest first."""
        return self.extend([leaf_hash])

    def extend(self, leaf_hashes: Sequence[bytes]) -> list[FullTile]:
        """Add the next leaves; returns the tiles that they complete, in order."""
        completed: list[FullTile] = []
        taken = 0
        while taken < len(leaf_hashes):
            room = WIDTH - len(self._levels[0].hashes)
            piece = leaf_hashes[taken : taken + room]
            self._levels[0].extend(piece)
            taken += len(piece)
            self.size += len(piece)
            completed += self._full_tiles()
        return completed

    def _full_tiles(self) -> Iterator[FullTile]:
        number = 0
        while len((level := self._levels[number]).hashes) == WIDTH:
            tile_root = perfect_root(level.hashes)
            index = (self.size >> (HEIGHT * (number + 1))) - 1
            yield FullTile(number, index, b"".join(level.hashes), tile_root)
            self._levels[number] = _Level()
            number += 1
            if number == len(self._levels):
                self._levels.append(_Level())
            self._levels[number].extend([tile_root])

    def root(self) -> bytes:
        """The root of the tree so far, 32 bytes; EMPTY_ROOT where it is empty."""
        return joined(tree for level in self._levels for tree in level.subtrees())

    def copy(self) -> "TiledTree":
        """A tree of the same entries that grows on its own."""
        tree = TiledTree()
        tree.size = self.size
        tree._levels = [level.copy() for level in self._levels]
        return tree

    @classmethod
    def restored(cls, size: int, read: ReadTiles) -> "TiledTree":
        """The tree as it was at a size, from its partial tiles alone."""
        tree = cls()
        tree.size = size
        edge = list(partial_tiles(size))
        tiles = read(edge) if edge else {}
        tree._levels = [_Level() for _ in range(MAX_LEVEL + 1)]
        for tile in edge:
            tree._levels[tile.level].extend(split_hashes(tiles[tile]))
        return tree


class _Level:
    """The hashes of one level that fill no tile yet."""

    def __init__(self) -> None:
        self.hashes: list[bytes] = []
        self._subtrees: list[bytes] | None = None

    def copy(self) -> "_Level":
        level = _Level()
        level.hashes = self.hashes[:]
        level._subtrees = self._subtrees
        return level

    def extend(self, hashes: Sequence[bytes]) -> None:
        self.hashes += hashes
        self._subtrees = None

    def subtrees(self) -> list[bytes]:
        """The roots of its perfect subtrees, the smallest and rightmost first."""
        if self._subtrees is None:
            self._subtrees = list(_perfect_roots(self.hashes))
        return self._subtrees


def _perfect_roots(hashes: Sequence[bytes]) -> Iterator[bytes]:
    end = len(hashes)
    while end:
        start = end & (end - 1)
        yield perfect_root(hashes[start:end])
        end = start


def partial_tiles(size: int) -> Iterator[TileId]:
    """The partial tiles of a tree, lowest level first; a tile without hashes is none."""
    for level in range(MAX_LEVEL + 1):
        index, width = divmod(size >> (HEIGHT * level), WIDTH)
        if width:
            yield TileId(level, index, width)


def root(size: int, read: ReadTiles) -> bytes:
    """The root of the tree's first `size` entries, 32 bytes."""
    return TiledTree.restored(size, read).root()


def older_root(old_size: int, size: int, read: ReadTiles) -> bytes:
    """The root of the first entries, from the tiles of the whole tree, 32 bytes.

    Args:
        old_size: 1 <= old_size <= size.
        size: of the tree whose tiles are read.
        read: reads them.
    """
    return _hashes([(0, old_size)], size, read)[0]


def inclusion_path(index: int, size: int, read: ReadTiles) -> Path:
    """The siblings from a leaf up to the root, RFC 6962 section 2.1.1.

    Raises:
        IndexError: the tree has no such leaf.
    """
    if not 0 <= index < size:
        raise IndexError(f"A tree of {size} leaves has no leaf {index}.")
    return _hashes(_siblings(index, index + 1, 0, size), size, read)


def consistency_path(old_size: int, size: int, read: ReadTiles) -> Path:
    """The hashes that tie an older root to this tree, RFC 6962 section 2.1.2.

    Raises:
        IndexError: the older tree is empty, or larger than this one.
    """
    if not 1 <= old_size <= size:
        raise IndexError(f"A tree of {size} leaves never had {old_size}.")
    # The last perfect subtree of the old tree, from which the path climbs.
    width = old_size & -old_size
    if width == size or old_size == size:
        return ()
    start = [] if width == old_size else [(old_size - width, old_size)]
    climb = _siblings(old_size - width, old_size, 0, size)
    return _hashes(start + climb, size, read)


Range = tuple[int, int]  # entries [low, high)


def _siblings(start: int, end: int, low: int, high: int) -> list[Range]:
    """What stands beside the way from a perfect subtree up to [low, high)."""
    found: list[Range] = []
    while (low, high) != (start, end):
        middle = low + (1 << ((high - low - 1).bit_length() - 1))
        if end <= middle:
            found.append((middle, high))
            high = middle
        else:
            found.append((low, middle))
            low = middle
    return found[::-1]


def _hashes(ranges: Sequence[Range], size: int, read: ReadTiles) -> Path:
    """The root of each range, from as few tiles as hold them."""
    placed = [
        [(node, _tile_of(node, size)) for node in _perfect(*found)] for found in ranges
    ]
    wanted = dict.fromkeys(tile for group in placed for _, tile in group)
    tiles = read(list(wanted)) if wanted else {}
    return tuple(
        joined(_node_hash_in(node, tiles[tile]) for node, tile in reversed(group))
        for group in placed
    )


class _Node(NamedTuple):
    """The root of the entries [place·2ʰ, (place+1)·2ʰ)."""

    height: int
    place: int


def _perfect(low: int, high: int) -> Iterator[_Node]:
    """A range's perfect subtrees, from the left."""
    while low < high:
        width = high - low
        height = width.bit_length() - 1
        if low:
            height = min(height, (low & -low).bit_length() - 1)
        yield _Node(height, low >> height)
        low += 1 << height


def _tile_of(node: _Node, size: int) -> TileId:
    level, height = divmod(node.height, HEIGHT)
    index = (node.place << height) // WIDTH
    held = (size >> (HEIGHT * level)) - index * WIDTH
    return TileId(level, index, min(held, WIDTH))


def _node_hash_in(node: _Node, tile: bytes) -> bytes:
    height = node.height % HEIGHT
    start = (((node.place << height) % WIDTH) >> height) * HASH_BYTES
    return _nodes(tile)[height][start : start + HASH_BYTES]


@lru_cache(maxsize=256)  # 4 MiB: the upper tiles stand in every proof
def _nodes(tile: bytes) -> list[bytes]:
    """A tile's hashes, then the nodes above them height by height, joined."""
    levels = [tile]
    while len(levels[-1]) > HASH_BYTES:
        levels.append(joined_parents(levels[-1]))
    return levels


def split_hashes(data: bytes) -> list[bytes]:
    """The hashes that a tile holds, in order."""
    return [data[at : at + HASH_BYTES] for at in range(0, len(data), HASH_BYTES)]
