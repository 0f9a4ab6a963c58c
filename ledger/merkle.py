"""Merkle trees over leaf hashes, as RFC 6962 section 2.1 defines them.

RFC 6962 splits n leaves at the largest power of two below n. Pairing each level
from the left, with a last odd node carried up unchanged, builds the same tree;
that is how the functions here walk it.
"""

from collections.abc import Iterable, Sequence

from ledger.hashing import EMPTY_ROOT, node_hash, parent_hashes

Path = tuple[bytes, ...]


class CompactRange:
    """The roots of the perfect subtrees that make up a growing tree.

    One hash for every set bit of the size, so that a tree of 2⁶³ leaves is
    extended with at most 63 hashes at hand.
    """

    def __init__(self) -> None:
        self.size = 0
        self._subtrees: list[bytes] = []  # largest first

    def append(self, leaf_hash: bytes) -> None:
        """Add the next leaf, 32 bytes."""
        node, size = leaf_hash, self.size
        while size & 1:
            node = node_hash(self._subtrees.pop(), node)
            size >>= 1
        self._subtrees.append(node)
        self.size += 1

    def root(self) -> bytes:
        """The root of the tree so far, 32 bytes; EMPTY_ROOT where it is empty."""
        return joined(reversed(self._subtrees))


def joined(subtrees: Iterable[bytes]) -> bytes:
    """The root over perfect subtrees, given from the smallest and rightmost on.

    Returns:
        32 bytes; EMPTY_ROOT where there are none.
    """
    node: bytes | None = None
    for subtree in subtrees:
        node = subtree if node is None else node_hash(subtree, node)
    return EMPTY_ROOT if node is None else node


def root(leaf_hashes: Iterable[bytes]) -> bytes:
    """The root of the tree over these leaves, in order, 32 bytes."""
    tree = CompactRange()
    for leaf in leaf_hashes:
        tree.append(leaf)
    return tree.root()


def inclusion_path(index: int, leaf_hashes: Sequence[bytes]) -> Path:
    """The siblings from a leaf up to the root, RFC 6962 section 2.1.1.

    Args:
        index: of the leaf; 0 <= index < len(leaf_hashes).
        leaf_hashes: 32 bytes each, all leaves of the tree.

    Returns:
        At most ⌈log₂ size⌉ hashes, lowest first.

    Raises:
        IndexError: the tree has no such leaf.
    """
    if not 0 <= index < len(leaf_hashes):
        raise IndexError(f"A tree of {len(leaf_hashes)} leaves has no leaf {index}.")
    path: list[bytes] = []
    level = leaf_hashes
    while len(level) > 1:
        sibling = index ^ 1
        if sibling < len(level):
            path.append(level[sibling])
        level, index = _parents(level), index >> 1
    return tuple(path)


def consistency_path(old_size: int, leaf_hashes: Sequence[bytes]) -> Path:
    """The hashes that tie an older root to this tree, RFC 6962 section 2.1.2.

    The path starts at the root of the last perfect subtree of the old tree and
    climbs from there; where the old size is a power of two that subtree *is* the
    old tree, whose root the verifier already has, and is left out.

    Args:
        old_size: 1 <= old_size <= len(leaf_hashes).
        leaf_hashes: 32 bytes each, all leaves of the newer tree.

    Raises:
        IndexError: the older tree is empty, or larger than this one.
    """
    if not 1 <= old_size <= len(leaf_hashes):
        raise IndexError(
            f"A tree of {len(leaf_hashes)} leaves never had {old_size}, or that size"
            " says nothing."
        )
    if old_size == len(leaf_hashes):
        return ()
    level = leaf_hashes
    nodes = old_size
    while not nodes & 1:
        level, nodes = _parents(level), nodes >> 1
    start = () if nodes == 1 else (level[nodes - 1],)
    return start + inclusion_path(nodes - 1, level)


def perfect_root(hashes: Sequence[bytes]) -> bytes:
    """The root over a power of two of hashes, 32 bytes."""
    level = hashes
    while len(level) > 1:
        level = parent_hashes(level)
    return level[0]


def _parents(level: Sequence[bytes]) -> list[bytes]:
    parents = parent_hashes(level)
    return parents + list(level[len(parents) * 2 :])
