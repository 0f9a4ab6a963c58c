"""Proofs: what holds for every tree, with every known trap by its name."""

from dataclasses import asdict, dataclass, replace
from functools import cache
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.encoding import encode_entry
from ledger.errors import ProofRejected
from ledger.hashing import EMPTY_ROOT, leaf_hash
from ledger.merkle import consistency_path, inclusion_path, root
from ledger.proofs import verify_consistency, verify_inclusion
from tests.ledger import rfc6962
from tests.ledger.values import Author, flip, hash32

MANY = [hash32(n) for n in range(300)]
ROOTS = [root(MANY[:size]) for size in range(len(MANY) + 1)]


@dataclass(frozen=True)
class Inclusion:
    index: int
    size: int
    leaf_hash: bytes
    path: tuple[bytes, ...]
    root: bytes

    def verify(self) -> None:
        verify_inclusion(**asdict(self))


@dataclass(frozen=True)
class Consistency:
    old_size: int
    new_size: int
    old_root: bytes
    new_root: bytes
    path: tuple[bytes, ...]

    def verify(self) -> None:
        verify_consistency(**asdict(self))


def included(index: int, size: int) -> Inclusion:
    leaves = MANY[:size]
    path = inclusion_path(index, leaves)
    return Inclusion(index, size, MANY[index], path, ROOTS[size])


def grown(old_size: int, new_size: int) -> Consistency:
    path = consistency_path(old_size, MANY[:new_size])
    return Consistency(old_size, new_size, ROOTS[old_size], ROOTS[new_size], path)


@st.composite
def inclusions(draw) -> Inclusion:
    size = draw(st.integers(1, 300))
    return included(draw(st.integers(0, size - 1)), size)


@st.composite
def consistencies(draw) -> Consistency:
    new_size = draw(st.integers(1, 300))
    return grown(draw(st.integers(1, new_size)), new_size)


def refused(proof: Inclusion | Consistency, **changes: Any) -> None:
    with pytest.raises(ProofRejected):
        replace(proof, **changes).verify()


def flipped_in_path(path: tuple[bytes, ...], bit: int) -> tuple[bytes, ...]:
    at = bit // 256
    return (*path[:at], flip(path[at], bit % 256), *path[at + 1 :])


def test_every_entry_of_every_tree_up_to_64_is_proven():
    for size in range(1, 65):
        for index in range(size):
            included(index, size).verify()


def test_every_growth_up_to_64_is_proven():
    for new_size in range(1, 65):
        for old_size in range(1, new_size + 1):
            grown(old_size, new_size).verify()


@pytest.fixture
def definition(monkeypatch: pytest.MonkeyPatch) -> None:
    """RFC 6962's paths for all trees need its hashes over and over."""
    monkeypatch.setattr(rfc6962, "tree_hash", cache(rfc6962.tree_hash))


def test_every_inclusion_of_the_definition_up_to_300_is_proven(definition):
    for size in range(1, 301):
        leaves = tuple(MANY[:size])
        root_hash = rfc6962.tree_hash(leaves)
        for index in range(size):
            verify_inclusion(
                index=index,
                size=size,
                leaf_hash=leaves[index],
                path=rfc6962.path(index, leaves),
                root=root_hash,
            )


def test_every_growth_of_the_definition_up_to_300_is_proven(definition):
    for new_size in range(1, 301):
        leaves = tuple(MANY[:new_size])
        new_root = rfc6962.tree_hash(leaves)
        for old_size in range(1, new_size + 1):
            verify_consistency(
                old_size=old_size,
                new_size=new_size,
                old_root=rfc6962.tree_hash(leaves[:old_size]),
                new_root=new_root,
                path=rfc6962.proof(old_size, leaves),
            )


@given(inclusions())
def test_inclusion_in_larger_trees(proof: Inclusion):
    proof.verify()


@given(consistencies())
def test_growth_of_larger_trees(proof: Consistency):
    proof.verify()


@given(inclusions(), st.data())
def test_one_flipped_bit_anywhere_breaks_an_inclusion(proof: Inclusion, data):
    bit = data.draw(st.integers(0, 255))
    refused(proof, leaf_hash=flip(proof.leaf_hash, bit))
    refused(proof, root=flip(proof.root, bit))
    if proof.path:
        at = data.draw(st.integers(0, len(proof.path) * 256 - 1))
        refused(proof, path=flipped_in_path(proof.path, at))


@given(consistencies(), st.data())
def test_one_flipped_bit_anywhere_breaks_a_consistency(proof: Consistency, data):
    bit = data.draw(st.integers(0, 255))
    refused(proof, old_root=flip(proof.old_root, bit))
    refused(proof, new_root=flip(proof.new_root, bit))
    if proof.path:
        at = data.draw(st.integers(0, len(proof.path) * 256 - 1))
        refused(proof, path=flipped_in_path(proof.path, at))


@given(inclusions(), st.data())
def test_another_index_is_not_proven(proof: Inclusion, data):
    other = data.draw(st.integers(-1, proof.size).filter(lambda n: n != proof.index))
    refused(proof, index=other)


@given(inclusions(), st.binary(min_size=32, max_size=32))
def test_extra_and_missing_nodes_are_refused_in_an_inclusion(proof, extra):
    refused(proof, path=(*proof.path, extra))
    refused(proof, path=(extra, *proof.path))
    if proof.path:
        refused(proof, path=proof.path[:-1])
        refused(proof, path=proof.path[1:])


@given(consistencies(), st.binary(min_size=32, max_size=32))
def test_extra_and_missing_nodes_are_refused_in_a_consistency(proof, extra):
    refused(proof, path=(*proof.path, extra))
    refused(proof, path=(extra, *proof.path))
    if proof.path:
        refused(proof, path=proof.path[:-1])
        refused(proof, path=proof.path[1:])


def test_two_empty_logs_prove_nothing():
    refused(Consistency(0, 0, EMPTY_ROOT, EMPTY_ROOT, ()))


def test_growth_from_the_empty_log_has_no_path():
    proof = Consistency(0, 5, EMPTY_ROOT, ROOTS[5], ())
    proof.verify()
    refused(proof, path=(MANY[0],))
    refused(proof, old_root=MANY[0])


@pytest.mark.parametrize("old_size", [1, 2, 4, 8, 16, 256])
def test_the_root_of_a_power_of_two_is_the_implicit_first_node(old_size: int):
    proof = grown(old_size, 300)
    proof.verify()
    refused(proof, path=(proof.old_root, *proof.path))
    refused(proof, old_root=hash32("another root"))


def test_a_log_never_shrinks():
    proof = grown(5, 8)
    refused(
        proof,
        old_size=8,
        new_size=5,
        old_root=proof.new_root,
        new_root=proof.old_root,
    )


def test_equal_sizes_have_equal_roots_with_no_path():
    proof = grown(7, 7)
    proof.verify()
    refused(proof, new_root=hash32("fork"))
    refused(proof, path=(MANY[0],))


def test_an_empty_path_proves_no_growth():
    refused(grown(3, 7), path=())
    refused(grown(4, 7), path=())


def test_the_size_is_the_checkpoint_s_not_the_proof_s():
    refused(included(2, 7), size=4)
    refused(included(6, 7), size=8)
    refused(grown(3, 7), new_size=9)
    refused(grown(3, 7), old_size=4)
    # Where two sizes give one shape, only the signed pair of size and root tells them
    # apart: that is why a size is never taken from whoever brings the proof.
    replace(included(2, 7), size=8).verify()


def test_sizes_that_no_log_has_are_refused():
    for size in (-1, 0, 2**63, 2**70):
        refused(included(0, 1), size=size)
    refused(grown(3, 7), new_size=2**63)
    refused(grown(3, 7), old_size=-1)


def test_hashes_of_another_length_are_refused():
    refused(included(2, 7), path=(b"", *included(2, 7).path[1:]))
    refused(included(2, 7), leaf_hash=MANY[2] + b"\x00")
    refused(grown(3, 7), old_root=b"")


def test_the_last_leaf_of_the_largest_log_is_proven_without_its_tree():
    size = 2**63 - 1
    path = tuple(hash32(level) for level in range(62))
    with pytest.raises(ProofRejected, match="another root"):
        verify_inclusion(
            index=size - 1, size=size, leaf_hash=MANY[0], path=path, root=MANY[1]
        )


def test_a_proof_for_one_entry_is_not_a_proof_for_the_entry_the_reader_holds():
    alice = Author()
    shown = [encode_entry(alice.entry(seq, hash32(seq))) for seq in range(5)]
    hashes = [leaf_hash(entry) for entry in shown]
    path = inclusion_path(3, hashes)
    held = encode_entry(alice.entry(3, hash32(3), tenant=8))
    with pytest.raises(ProofRejected):
        verify_inclusion(
            index=3, size=5, leaf_hash=leaf_hash(held), path=path, root=root(hashes)
        )
