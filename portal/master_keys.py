"""What this process opens keys with: the master key, or the few keys it holds itself."""

import hashlib
from functools import cache

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from portal.environment import master_key, old_master_key, service_keys

NAME_BYTES = 8


@cache
def master_keys() -> tuple[bytes, ...]:
    """The key that seals, then the one before it where one is given; 32 bytes each.

    Raises:
        EnvironmentProblem: a key is missing or is none.
    """
    old = old_master_key()
    return (master_key(),) if old is None else (master_key(), old)


@cache
def held_keys() -> dict[bytes, bytes] | None:
    """The only private keys of a worker that has no master key; None where it has one.

    Raises:
        EnvironmentProblem: the file of keys is not as it must be.
    """
    return service_keys()


@cache
def derived_key(master: bytes, purpose: str) -> bytes:
    """32 bytes for one purpose, HKDF-SHA256 of a master key."""
    info = b"anamnesis-1 " + purpose.encode()
    return HKDF(SHA256(), 32, None, info).derive(master)


@cache
def key_name(master: bytes) -> bytes:
    """8 bytes by which a sealed value names its master key; they say nothing of it."""
    return hashlib.sha256(derived_key(master, "name")).digest()[:NAME_BYTES]
