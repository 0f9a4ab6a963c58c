"""Two readers with keys of their own."""

from dataclasses import dataclass
from itertools import count

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from records.encryption.wrapping import key_id

RECORD = bytes(range(16))
OTHER_RECORD = bytes(range(1, 17))
DATA_KEY = bytes(range(32))


@dataclass(frozen=True)
class Reader:
    private_key: rsa.RSAPrivateKey

    @property
    def public_key(self):
        return self.private_key.public_key()

    @property
    def key_id(self):
        return key_id(self.public_key)


@pytest.fixture(scope="session")
def alice():
    return Reader(rsa.generate_private_key(65537, 3072))


@pytest.fixture(scope="session")
def bob():
    return Reader(rsa.generate_private_key(65537, 3072))


def above_modulus(make, reader):
    """Return a ciphertext plus the modulus, which a careless reader would open."""
    modulus = reader.public_key.public_numbers().n
    sums = (int.from_bytes(make()) + modulus for _ in count())
    return next(each for each in sums if each < 2**3072).to_bytes(384)
