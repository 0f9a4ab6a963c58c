"""Verifies Merkle proofs without seeing the tree.

The caller takes sizes and roots from a checkpoint whose signature it has checked,
never from whoever hands over the proof, and computes the leaf hash from the entry it
has read itself: a proof about some other entry is no proof (CVE-2026-22703).
"""

from collections.abc import Iterator, Sequence

from ledger.errors import ProofRejected
from ledger.hashing import EMPTY_ROOT, HASH_BYTES, node_hash

MAX_SIZE = 2**63 - 1


def verify_inclusion(
    *, index: int, size: int, leaf_hash: bytes, path: Sequence[bytes], root: bytes
) -> None:
    """Check that a leaf stands at an index of a tree (RFC 9162, section 2.1.3.2).

    Args:
        index: 0 <= index < size.
        size: leaves of the tree, from a verified checkpoint.
        leaf_hash: 32 bytes, computed by the caller from the entry it holds.
        path: 32 bytes each, lowest sibling first.
        root: 32 bytes, from the same checkpoint.

    Raises:
        ProofRejected: the proof does not show it; the entry must not be trusted.
    """
    _check_size(size)
    if not 0 <= index < size:
        raise ProofRejected(f"A tree of {size} entries has no entry {index}.")
    _check_hashes(leaf_hash, root, *path)
    computed = leaf_hash
    for sibling, is_left in _climb(index, size - 1, path):
        if is_left:
            computed = node_hash(sibling, computed)
        else:
            computed = node_hash(computed, sibling)
    if computed != root:
        raise ProofRejected("The inclusion path leads to another root.")


def verify_consistency(
    *,
    old_size: int,
    new_size: int,
    old_root: bytes,
    new_root: bytes,
    path: Sequence[bytes],
) -> None:
    """Check that a tree continues an older one (RFC 9162, section 2.1.4.2).

    It shows that no hash was changed, never that a body behind a hash is still
    there: read bodies back for that.

    Args:
        old_size: leaves of the older tree; below new_size, or equal to it.
        new_size: leaves of the newer tree; both from verified checkpoints.
        old_root: 32 bytes.
        new_root: 32 bytes.
        path: 32 bytes each; empty where the sizes are equal, or the old size is 0.

    Raises:
        ProofRejected: the proof does not show it: one of the two was rewritten.
    """
    _check_size(old_size)
    _check_size(new_size)
    _check_hashes(old_root, new_root, *path)
    if old_size > new_size:
        raise ProofRejected(f"A log cannot shrink from {old_size} to {new_size}.")
    if old_size == 0:
        _check_grew_from_nothing(new_size=new_size, old_root=old_root, path=path)
    elif old_size == new_size:
        _check_unchanged(old_root=old_root, new_root=new_root, path=path)
    else:
        _check_grew(old_size, new_size, old_root, new_root, path)


def _check_grew_from_nothing(
    *, new_size: int, old_root: bytes, path: Sequence[bytes]
) -> None:
    if new_size == 0:
        raise ProofRejected("Two empty logs prove nothing about each other.")
    if path:
        raise ProofRejected("Growth from an empty log needs no path.")
    if old_root != EMPTY_ROOT:
        raise ProofRejected("The root of size 0 is not that of an empty log.")


def _check_unchanged(
    *, old_root: bytes, new_root: bytes, path: Sequence[bytes]
) -> None:
    if path:
        raise ProofRejected("Two logs of equal size need no path.")
    if old_root != new_root:
        raise ProofRejected("Two roots of one size differ: the log was forked.")


def _check_grew(
    old_size: int,
    new_size: int,
    old_root: bytes,
    new_root: bytes,
    path: Sequence[bytes],
) -> None:
    # A power of two is one perfect subtree, whose root both sides know already.
    nodes = path if old_size & (old_size - 1) else (old_root, *path)
    if not nodes:
        raise ProofRejected("The consistency path is empty.")
    node, last = old_size - 1, new_size - 1
    while node & 1:
        node, last = node >> 1, last >> 1
    old = new = nodes[0]
    for sibling, is_left in _climb(node, last, nodes[1:]):
        if is_left:
            old, new = node_hash(sibling, old), node_hash(sibling, new)
        else:
            new = node_hash(new, sibling)
    if old != old_root:
        raise ProofRejected("The consistency path leads to another old root.")
    if new != new_root:
        raise ProofRejected("The consistency path leads to another new root.")


def _climb(node: int, last: int, path: Sequence[bytes]) -> Iterator[tuple[bytes, bool]]:
    """Yield each sibling with whether it stands left of the way to the root.

    Args:
        node: index of the start on its level.
        last: index of the level's last node; 0 <= node <= last.
        path: siblings, lowest first.

    Raises:
        ProofRejected: the path is longer or shorter than the way.
    """
    for sibling in path:
        if last == 0:
            raise ProofRejected("The path is longer than the tree is high.")
        is_left = bool(node & 1) or node == last
        yield sibling, is_left
        while is_left and node and not node & 1:
            # A right edge without a sibling is carried up unchanged.
            node, last = node >> 1, last >> 1
        node, last = node >> 1, last >> 1
    if last != 0:
        raise ProofRejected("The path ends before it reaches the root.")


def _check_size(size: int) -> None:
    if not 0 <= size <= MAX_SIZE:
        raise ProofRejected(f"No log has {size} entries.")


def _check_hashes(*hashes: bytes) -> None:
    if any(len(value) != HASH_BYTES for value in hashes):
        raise ProofRejected(f"Every hash of a proof has {HASH_BYTES} bytes.")
