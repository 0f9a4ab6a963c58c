"""RFC 6962 section 2.1 word for word, as the oracle of the faster functions."""

from collections.abc import Sequence

from ledger.hashing import EMPTY_ROOT, node_hash

Leaves = Sequence[bytes]


def split(n: int) -> int:
    """The largest power of two smaller than n."""
    k = 1
    while k * 2 < n:
        k *= 2
    return k


def tree_hash(leaves: Leaves) -> bytes:
    if not leaves:
        return EMPTY_ROOT
    if len(leaves) == 1:
        return leaves[0]
    k = split(len(leaves))
    return node_hash(tree_hash(leaves[:k]), tree_hash(leaves[k:]))


def path(m: int, leaves: Leaves) -> tuple[bytes, ...]:
    if len(leaves) == 1:
        return ()
    k = split(len(leaves))
    if m < k:
        return (*path(m, leaves[:k]), tree_hash(leaves[k:]))
    return (*path(m - k, leaves[k:]), tree_hash(leaves[:k]))


def proof(m: int, leaves: Leaves) -> tuple[bytes, ...]:
    return subproof(m, leaves, is_whole=True)


def subproof(m: int, leaves: Leaves, *, is_whole: bool) -> tuple[bytes, ...]:
    if m == len(leaves):
        return () if is_whole else (tree_hash(leaves),)
    k = split(len(leaves))
    if m <= k:
        left = subproof(m, leaves[:k], is_whole=is_whole)
        return (*left, tree_hash(leaves[k:]))
    right = subproof(m - k, leaves[k:], is_whole=False)
    return (*right, tree_hash(leaves[:k]))
