"""Who can sign for a log or an institution."""

from hashlib import sha256
from typing import Protocol

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import (
    Ed25519PrivateKey,
    Ed25519PublicKey,
)
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

ED25519 = 1  # sig_alg of an entry
SIGNATURE_BYTES = 64  # RFC 8032, section 5.1.6


class Signer(Protocol):
    """Holds an Ed25519 key whose private half it never shows."""

    @property
    def key_id(self) -> bytes:
        """32 bytes: SHA-256 of the public key as SubjectPublicKeyInfo in DER."""

    def sign(self, message: bytes) -> bytes:
        """The 64-byte Ed25519 signature of the message, the same every time."""


class LogSigner(Signer, Protocol):
    """A signer that also names the public key its checkpoints are checked with."""

    @property
    def public_key(self) -> Ed25519PublicKey:
        """The public half."""


def key_id_of(public_key: Ed25519PublicKey) -> bytes:
    """Name a public key by 32 bytes: SHA-256 of its SubjectPublicKeyInfo in DER."""
    der = public_key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return sha256(der).digest()


def is_signed_by(
    public_key: Ed25519PublicKey, *, message: bytes, signature: bytes
) -> bool:
    """Say whether the signature is this key's over exactly this message."""
    try:
        public_key.verify(signature, message)
    except InvalidSignature:
        return False
    return True


class Ed25519Signer:
    """A signer whose private key is in this process."""

    def __init__(self, private_key: Ed25519PrivateKey) -> None:
        self._private_key = private_key
        self.public_key = private_key.public_key()
        self.key_id = key_id_of(self.public_key)

    def sign(self, message: bytes) -> bytes:
        """The 64-byte Ed25519 signature of the message (RFC 8032)."""
        return self._private_key.sign(message)
