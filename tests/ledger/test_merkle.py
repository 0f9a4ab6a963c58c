"""The tree, against RFC 6962's own definition with Certificate Transparency's vectors."""

from collections.abc import Sequence
from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.hashing import EMPTY_ROOT, leaf_hash, node_hash, parent_hashes
from ledger.merkle import CompactRange, consistency_path, inclusion_path, root
from tests.ledger import rfc6962
from tests.ledger.values import hash32

# The eight leaves whose roots every implementation of the RFC publishes.
LEAVES = [
    bytes.fromhex(text)
    for text in (
        "", "00", "10", "2021", "3031", "40414243", "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]  # fmt: skip
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
HASHES = [leaf_hash(leaf) for leaf in LEAVES]

MANY = [hash32(n) for n in range(300)]
sizes = st.integers(1, len(MANY))


@pytest.fixture
def hashed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Has both sides remember what they hashed: all proofs share few hashes."""
    subtree, level = cache(rfc6962.tree_hash), cache(parent_hashes)

    def tree_hash(leaves: Sequence[bytes]) -> bytes:
        return subtree(tuple(leaves))

    def parents(hashes: Sequence[bytes]) -> list[bytes]:
        return level(tuple(hashes))

    monkeypatch.setattr(rfc6962, "tree_hash", tree_hash)
    monkeypatch.setattr("ledger.merkle.parent_hashes", parents)


def test_the_empty_tree_has_the_hash_of_nothing():
    expected = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert EMPTY_ROOT.hex() == expected
    assert root([]) == EMPTY_ROOT


def test_a_leaf_never_passes_for_a_node():
    left, right = HASHES[:2]
    assert leaf_hash(left + right) != node_hash(left, right)


@pytest.mark.parametrize("size", range(1, 9))
def test_known_roots(size: int):
    assert root(HASHES[:size]).hex() == ROOTS[size - 1]


def test_every_root_up_to_300_leaves_is_the_definition_s():
    tree = CompactRange()
    for size, leaf in enumerate(MANY, start=1):
        tree.append(leaf)
        assert tree.size == size
        assert tree.root() == rfc6962.tree_hash(MANY[:size])


@given(sizes, st.data())
def test_inclusion_paths_are_the_definition_s(size: int, data):
    index = data.draw(st.integers(0, size - 1))
    leaves = MANY[:size]
    assert inclusion_path(index, leaves) == rfc6962.path(index, leaves)


@given(sizes, st.data())
def test_consistency_paths_are_the_definition_s(size: int, data):
    old_size = data.draw(st.integers(1, size))
    leaves = MANY[:size]
    assert consistency_path(old_size, leaves) == rfc6962.proof(old_size, leaves)


def test_every_inclusion_path_up_to_300_leaves_is_the_definition_s(hashed_once):
    for size in range(1, len(MANY) + 1):
        leaves = tuple(MANY[:size])
        for index in range(size):
            assert inclusion_path(index, leaves) == rfc6962.path(index, leaves)


def test_every_consistency_path_up_to_300_leaves_is_the_definition_s(hashed_once):
    for size in range(1, len(MANY) + 1):
        leaves = tuple(MANY[:size])
        for old_size in range(1, size + 1):
            expected = rfc6962.proof(old_size, leaves)
            assert consistency_path(old_size, leaves) == expected


def test_paths_outside_the_tree_are_refused():
    for index in (-1, 8):
        with pytest.raises(IndexError, match="leaf"):
            inclusion_path(index, HASHES)
    for old_size in (-1, 0, 9):
        with pytest.raises(IndexError, match="size"):
            consistency_path(old_size, HASHES)
