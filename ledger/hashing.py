"""The three hashes of an RFC 6962 Merkle tree."""

from hashlib import sha256

HASH_BYTES = 32
EMPTY_ROOT = sha256(b"").digest()


def leaf_hash(entry: bytes) -> bytes:
    """Hash one entry: SHA-256(0x00 ‖ entry), 32 bytes (RFC 6962, section 2.1)."""
    return sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Hash two subtrees: SHA-256(0x01 ‖ left ‖ right), 32 bytes.

    The prefix differs from a leaf's, so that no node can pass for an entry.
    """
    return sha256(b"\x01" + left + right).digest()
