"""Tiles, against the formulas of c2sp.org/tlog-tiles with RFC 6962's own definition."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.hashing import EMPTY_ROOT, node_hash
from ledger.merkle import perfect_root
from ledger.proofs import verify_consistency, verify_inclusion
from ledger.tiles import (
    FullTile,
    TiledTree,
    TileId,
    consistency_path,
    inclusion_path,
    index_path,
    parse_index_path,
    partial_tiles,
    root,
    split_hashes,
)
from tests.ledger import rfc6962
from tests.ledger.values import hash32

Hashes = Sequence[bytes]

MAX_SIZE = 2**63 - 1
LEAVES = tuple(hash32(n) for n in range(70_000))
# Around every place where a tile fills up, or the tree gains a level.
EDGES = (1, 2, 255, 256, 257, 511, 512, 513, 65_279, 65_280, 65_535, 65_536, 65_537)
SIZES = (*EDGES, 65_792, 69_888, 69_999, 70_000)
# Places in the largest of these trees; taken modulo the size.
INDEXES = (0, 1, 255, 256, 511, 512, 32_767, 65_279, 65_535, 65_536, 69_887, 69_888)

# As the specification spells them.
SPELLED = [
    (0, 256, "000"),
    (7, 256, "007"),
    (999, 256, "999"),
    (1_000, 256, "x001/000"),
    (1_234_067, 256, "x001/x234/067"),
    (1_234_067, 5, "x001/x234/067.p/5"),
    (273, 112, "273.p/112"),
    (0, 1, "000.p/1"),
    (1_000_000, 255, "x001/x000/000.p/255"),
    (MAX_SIZE // 256, 255, "x036/x028/x797/x018/x963/967.p/255"),
]


def remembered(pure: Callable[[Hashes], bytes]) -> Callable[[Hashes], bytes]:
    """The same function, which hashes nothing twice."""
    known = cache(pure)
    return lambda hashes: known(tuple(hashes))


@pytest.fixture(scope="module", autouse=True)
def hashed_once() -> Iterator[None]:
    """Thousands of proofs over one tree need its hashes over and over."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rfc6962, "tree_hash", remembered(rfc6962.tree_hash))
        patch.setattr("ledger.tiles.perfect_root", remembered(perfect_root))
        patch.setattr("ledger.tiles.split_hashes", cache(split_hashes))
        yield


def served(size: int) -> set[TileId]:
    """The tiles of a tree: floor(size / 256ˡ) hashes on level l, none of them empty."""
    found = set()
    for level in range(64):
        full, width = divmod(size // 256**level, 256)
        found |= {TileId(level, index, 256) for index in range(full)}
        if width:
            found.add(TileId(level, full, width))
    return found


@cache
def tile_of_leaves(tile: TileId) -> bytes:
    """MTH(D[(n · 256 + i) · 256ˡ : (n · 256 + i + 1) · 256ˡ]) for each i."""
    span = 256**tile.level
    first = tile.index * 256
    return b"".join(
        rfc6962.tree_hash(LEAVES[i * span : (i + 1) * span])
        for i in range(first, first + tile.width)
    )


class Server:
    """Serves a tree's tiles, and no others; remembers what it was asked for."""

    def __init__(self, size: int) -> None:
        self.served = served(size)
        self.asked: list[Sequence[TileId]] = []

    def read(self, wanted: Sequence[TileId]) -> dict[TileId, bytes]:
        assert wanted, "nothing was asked for"
        assert self.served.issuperset(wanted)
        assert len(set(wanted)) == len(wanted)
        self.asked.append(wanted)
        return {tile: tile_of_leaves(tile) for tile in wanted}


def nothing_to_read(wanted: Sequence[TileId]) -> dict[TileId, bytes]:
    raise AssertionError(f"{wanted} were asked for")


def tree_of(size: int) -> TiledTree:
    tree = TiledTree()
    tree.extend(LEAVES[:size])
    return tree


@pytest.mark.parametrize(("index", "width", "path"), SPELLED)
def test_a_tile_s_number_is_spelled_in_one_way(index: int, width: int, path: str):
    assert index_path(index, width) == path
    assert TileId(3, index, width).path == path
    assert parse_index_path(path) == (index, width)


@given(st.integers(0, MAX_SIZE // 256), st.integers(1, 256))
def test_a_tile_s_number_is_read_as_it_is_written(index: int, width: int):
    assert parse_index_path(index_path(index, width)) == (index, width)


@pytest.mark.parametrize(
    "path",
    [
        "",
        "0",
        "7",
        "07",
        "0007",
        "1234",
        "1234067",
        "001/234/067",
        "x001/234/067",
        "001/x234/067",
        "x001/x234/x067",
        "x001",
        "x000/067",
        "x000/x001/067",
        "x01/067",
        "X001/067",
        "x001//067",
        "/067",
        "067/",
        "x001/067/",
        "../067",
        "-01",
        "+01",
        " 67",
        "067 ",
        "067\n",
        "٠٦٧",
        "x٠٠١/067",
        "067.p",
        "067.p/",
        "067.p/0",
        "067.p/05",
        "067.p/256",
        "067.p/257",
        "067.p/1000",
        "067.p/-1",
        "067.p/+5",
        "067.p/٥",
        "067.p/²",
        "067.p/5 ",
        "067.p/5\n",
        "067.p/5/",
        "067.p/5.p/5",
        "067.P/5",
        "067p/5",
        ".p/5",
        "x001.p/5/067",
        "x001/" * 9 + "067",
        "9" * 5000,
    ],
)
def test_another_spelling_is_refused(path: str):
    with pytest.raises(
        ValueError, match=r"is no width|is no tile|another written form"
    ):
        parse_index_path(path)


def test_the_specification_s_tree_of_70_000_has_its_tiles():
    tiles_served = served(70_000)
    full = Counter(tile.level for tile in tiles_served if tile.is_full)
    assert full == {0: 273, 1: 1}
    assert list(partial_tiles(70_000)) == [
        TileId(0, 273, 112),
        TileId(1, 1, 17),
        TileId(2, 0, 1),
    ]
    assert len(tree_of(70_000)._levels) == 3


def test_the_specification_s_tree_of_256_has_its_tiles():
    (tile,) = TiledTree().extend(LEAVES[:256])
    assert (tile.level, tile.index) == (0, 0)
    assert list(partial_tiles(256)) == [TileId(1, 0, 1)]


def test_the_empty_tree_has_no_tile():
    assert list(partial_tiles(0)) == []
    assert root(0, nothing_to_read) == EMPTY_ROOT
    assert TiledTree.restored(0, nothing_to_read).root() == EMPTY_ROOT
    assert TiledTree().root() == EMPTY_ROOT


@given(st.integers(0, MAX_SIZE) | st.integers(0, 70_000))
def test_partial_tiles_have_the_width_that_the_formula_gives(size: int):
    found = list(partial_tiles(size))
    assert [tile.level for tile in found] == sorted({tile.level for tile in found})
    widths = {tile.level: tile.width for tile in found}
    for level in range(64):
        assert widths.get(level, 0) == size // 256**level % 256
    for tile in found:
        assert not tile.is_full
        assert tile.index == size // 256 ** (tile.level + 1)
        assert tile.end <= size
        assert size - tile.end < 256**tile.level


def test_a_tile_stands_as_soon_as_the_last_of_its_entries():
    assert TileId(0, 0).end == 256
    assert TileId(0, 3, 5).end == 3 * 256 + 5
    assert TileId(1, 0, 1).end == 256
    assert TileId(1, 1, 17).end == 65_536 + 17 * 256
    assert TileId(2, 0).end == 256**3


def test_every_tile_is_handed_out_once_when_it_is_full():
    tree = TiledTree()
    handed: dict[TileId, FullTile] = {}
    for size, leaf in enumerate(LEAVES, start=1):
        for level, tile in enumerate(tree.append(leaf)):
            name = TileId(tile.level, tile.index)
            assert (tile.level, name.end) == (level, size)
            assert name not in handed
            handed[name] = tile
    assert handed.keys() == {tile for tile in served(70_000) if tile.is_full}
    for name, tile in handed.items():
        span = 256 ** (name.level + 1)
        start = name.index * span
        assert tile.hashes == tile_of_leaves(name)
        assert tile.root == rfc6962.tree_hash(LEAVES[start : start + span])


@given(st.lists(st.integers(0, 600), max_size=8))
def test_batches_make_no_difference(batches: list[int]):
    single, batched = TiledTree(), TiledTree()
    done = 0
    for batch in batches:
        leaves = LEAVES[done : done + batch]
        one_by_one = [tile for leaf in leaves for tile in single.append(leaf)]
        assert batched.extend(leaves) == one_by_one
        done += batch
        assert batched.size == single.size == done
        assert batched.root() == single.root() == rfc6962.tree_hash(LEAVES[:done])


def test_every_root_up_to_600_leaves_is_the_definition_s():
    tree = TiledTree()
    for size in range(1, 601):
        tree.append(LEAVES[size - 1])
        expected = rfc6962.tree_hash(LEAVES[:size])
        assert tree.root() == expected
        assert root(size, Server(size).read) == expected


@pytest.mark.slow
def test_every_inclusion_path_up_to_300_leaves_is_the_definition_s():
    for size in range(1, 301):
        server, leaves = Server(size), LEAVES[:size]
        for index in range(size):
            expected = rfc6962.path(index, leaves)
            assert inclusion_path(index, size, server.read) == expected


@pytest.mark.slow
def test_every_consistency_path_up_to_300_leaves_is_the_definition_s():
    for size in range(1, 301):
        server, leaves = Server(size), LEAVES[:size]
        for old_size in range(1, size + 1):
            expected = rfc6962.proof(old_size, leaves)
            assert consistency_path(old_size, size, server.read) == expected


@pytest.mark.parametrize("size", SIZES)
def test_roots_of_larger_trees_are_the_definition_s(size: int):
    server = Server(size)
    expected = rfc6962.tree_hash(LEAVES[:size])
    assert root(size, server.read) == expected
    assert tree_of(size).root() == expected
    # The edge of the tree, and nothing else.
    assert server.asked == [list(partial_tiles(size))]


@pytest.mark.parametrize("size", SIZES)
def test_paths_of_larger_trees_are_the_definition_s(size: int):
    leaves = LEAVES[:size]
    for place in (*INDEXES, size - 1, size - 2, size // 2):
        server, index = Server(size), place % size
        expected = rfc6962.path(index, leaves)
        assert inclusion_path(index, size, server.read) == expected
        old_size = index + 1
        expected = rfc6962.proof(old_size, leaves)
        assert consistency_path(old_size, size, server.read) == expected
        check_that_little_was_read(server)


def check_that_little_was_read(server: Server) -> None:
    """All at once for each proof; on a level the tile beside the way and the last."""
    assert len(server.asked) <= 2
    for wanted in server.asked:
        assert max(Counter(tile.level for tile in wanted).values()) <= 2


@given(st.sampled_from(SIZES[2:]), st.data())
def test_any_paths_of_larger_trees_are_the_definition_s(size: int, data):
    index = data.draw(st.integers(0, size - 1))
    old_size = data.draw(st.integers(1, size))
    server, leaves = Server(size), LEAVES[:size]
    assert inclusion_path(index, size, server.read) == rfc6962.path(index, leaves)
    expected = rfc6962.proof(old_size, leaves)
    assert consistency_path(old_size, size, server.read) == expected
    check_that_little_was_read(server)


def test_what_is_outside_the_tree_has_no_path():
    for index in (-1, 5, 6):
        with pytest.raises(IndexError, match=f"no leaf {index}"):
            inclusion_path(index, 5, nothing_to_read)
    for old_size in (-1, 0, 6):
        with pytest.raises(IndexError, match=f"never had {old_size}"):
            consistency_path(old_size, 5, nothing_to_read)
    for size in (0, -1):
        with pytest.raises(IndexError):
            inclusion_path(0, size, nothing_to_read)
        with pytest.raises(IndexError):
            consistency_path(0, size, nothing_to_read)


def test_a_proof_of_nothing_reads_nothing():
    assert inclusion_path(0, 1, nothing_to_read) == ()
    for size in (1, 5, 256, 70_000, MAX_SIZE):
        assert consistency_path(size, size, nothing_to_read) == ()


def continued(at: int, end: int) -> None:
    """A restart at a size changes neither the tiles that follow nor the root."""
    uninterrupted = tree_of(at)
    server = Server(at)
    restored = TiledTree.restored(at, server.read)
    assert restored.size == at
    assert restored.root() == uninterrupted.root() == rfc6962.tree_hash(LEAVES[:at])
    rest = LEAVES[at:end]
    assert restored.extend(rest) == uninterrupted.extend(rest)
    assert restored.size == uninterrupted.size == end
    assert restored.root() == uninterrupted.root() == rfc6962.tree_hash(LEAVES[:end])


def test_a_tree_restored_at_any_size_continues_as_if_never_interrupted():
    for at in range(600):
        continued(at, at + 257)


@pytest.mark.parametrize("at", [*EDGES, 65_792, 69_887, 69_888, 70_000])
def test_a_larger_tree_restored_continues_as_if_never_interrupted(at: int):
    continued(at, 70_000)


def test_a_tree_restored_after_every_batch_is_the_same_tree():
    whole = TiledTree()
    for batch in (1, 254, 1, 1, 255, 256, 64_512, 255, 1, 1_000, 3_464):
        done = whole.size
        restored = TiledTree.restored(done, Server(done).read)
        leaves = LEAVES[done : done + batch]
        assert restored.extend(leaves) == whole.extend(leaves)
        assert restored.root() == whole.root()
    assert whole.size == 70_000


# A log of any size whose entries are all the same: its hashes are known without it.


@cache
def alike(size: int) -> bytes:
    """RFC 6962's definition over that many times one leaf."""
    if size == 1:
        return LEAVES[0]
    k = 1 << ((size - 1).bit_length() - 1)
    return node_hash(alike(k), alike(size - k))


class HugeServer:
    """Serves the tiles of such a log, of which nobody could list all."""

    def __init__(self, size: int) -> None:
        self.size = size

    def read(self, wanted: Sequence[TileId]) -> dict[TileId, bytes]:
        for tile in wanted:
            full, width = divmod(self.size // 256**tile.level, 256)
            assert 0 <= tile.index < full or tile.index == full
            assert tile.width == (256 if tile.index < full else width) > 0
        return {tile: alike(256**tile.level) * tile.width for tile in wanted}


sizes = st.integers(1, MAX_SIZE) | st.integers(0, 62).map(lambda n: 2**n)


@given(sizes, st.data())
def test_a_log_of_any_size_proves_its_entries(size: int, data):
    index = data.draw(st.integers(0, size - 1) | st.just(size - 1))
    read = HugeServer(size).read
    assert root(size, read) == alike(size)
    path = inclusion_path(index, size, read)
    assert len(path) <= 63
    verify_inclusion(
        index=index, size=size, leaf_hash=LEAVES[0], path=path, root=alike(size)
    )


@given(sizes, st.data())
def test_a_log_of_any_size_proves_its_growth(size: int, data):
    powers = st.integers(0, size.bit_length() - 1).map(lambda n: 2**n)
    old_size = data.draw(st.integers(1, size) | powers)
    verify_consistency(
        old_size=old_size,
        new_size=size,
        old_root=alike(old_size),
        new_root=alike(size),
        path=consistency_path(old_size, size, HugeServer(size).read),
    )
