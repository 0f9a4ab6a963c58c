"""Hands a document's data key to those who may read it."""

import hashlib
import hmac
from collections.abc import Iterable

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from records.encryption.chunk_cipher import DATA_KEY_LENGTH
from records.encryption.errors import CommitmentMismatch, WrapRejected
from records.encryption.format import RECORD_ID_LENGTH

RSA_BITS = 3072
KEY_ID_LENGTH = 32
DERIVED_LENGTH = 32


def key_id(public_key: RSAPublicKey) -> bytes:
    """Return the 32-byte id of a key: SHA-256 of its SubjectPublicKeyInfo in DER."""
    der = public_key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return hashlib.sha256(der).digest()


def wrap_key(
    data_key: bytes,
    *,
    public_key: RSAPublicKey,
    record_id: bytes,
    recipient_key_id: bytes,
) -> bytes:
    """Seal a data key for one recipient with RSA-3072-OAEP (SHA-256).

    Args:
        data_key: 32 bytes.
        public_key: the recipient's, RSA with 3072 bits.
        record_id: 16 bytes; the wrap opens for this record only.
        recipient_key_id: 32 bytes; the wrap opens for this key only.

    Returns:
        384 bytes, different each time. The OAEP label is record id ‖ key id.

    Raises:
        ValueError: a length is wrong.
    """
    if len(data_key) != DATA_KEY_LENGTH:
        raise ValueError(f"A data key has {DATA_KEY_LENGTH} bytes.")
    check_rsa_size(public_key.key_size)
    return public_key.encrypt(
        data_key, oaep(recipient_label(record_id, recipient_key_id))
    )


def unwrap_key(
    wrapped: bytes,
    *,
    private_key: RSAPrivateKey,
    record_id: bytes,
    recipient_key_id: bytes,
) -> bytes:
    """Open a wrap made by ``wrap_key`` for this record and this key.

    Returns:
        The data key, 32 bytes. Whether it is the document's own is for
        ``check_commitment`` to say.

    Raises:
        WrapRejected: the wrap was changed, or made for another record or key.
        ValueError: the record id, the key id or the key has a wrong length.
    """
    check_rsa_size(private_key.key_size)
    label = recipient_label(record_id, recipient_key_id)
    try:
        data_key = private_key.decrypt(wrapped, oaep(label))
    except ValueError as error:
        raise WrapRejected(
            "The key wrap does not open for this record with this key."
        ) from error
    if len(data_key) != DATA_KEY_LENGTH:
        raise WrapRejected("The key wrap does not hold a data key.")
    return data_key


def key_commitment(data_key: bytes, record_id: bytes) -> bytes:
    """Return the 32 bytes that bind a record to one data key.

    HKDF-SHA256 without salt, info "AML1-commit" ‖ record id. AES-GCM alone does not
    bind: one ciphertext can be made that opens under two keys to two documents.

    Raises:
        ValueError: the data key or the record id has a wrong length.
    """
    return derived_key(data_key, purpose=b"AML1-commit", record_id=record_id)


def derived_key(data_key: bytes, *, purpose: bytes, record_id: bytes) -> bytes:
    """Return 32 bytes for one purpose: HKDF-SHA256 without salt.

    The info is purpose ‖ record id. From what is derived, neither the data key nor
    what is derived for another purpose can be told.

    Raises:
        ValueError: the data key or the record id has a wrong length.
    """
    if len(data_key) != DATA_KEY_LENGTH or len(record_id) != RECORD_ID_LENGTH:
        raise ValueError("A data key has 32 bytes and a record id 16.")
    info = purpose + record_id
    kdf = HKDF(hashes.SHA256(), length=DERIVED_LENGTH, salt=None, info=info)
    return kdf.derive(data_key)


def check_commitment(data_key: bytes, record_id: bytes, commitment: bytes) -> None:
    """Make sure that a data key is the one the ledger names, in constant time.

    To be called before anything is opened with the key.

    Raises:
        CommitmentMismatch: it is another key; nothing may be shown.
        ValueError: the data key or the record id has a wrong length.
    """
    if not hmac.compare_digest(key_commitment(data_key, record_id), commitment):
        raise CommitmentMismatch(
            "The key of this document is not the one entered in the ledger."
        )


def wraps_hash(wraps: Iterable[tuple[bytes, bytes]]) -> bytes:
    """Return the hash of all wraps of a record, in whatever order they come.

    SHA-256 of "AML1-wraps" ‖ count u32 ‖ for each wrap, in rising order of key id:
    key id (32) ‖ length u16 ‖ wrap; numbers big-endian.

    Args:
        wraps: pairs of recipient key id (32 bytes) and wrap (up to 65,535 bytes).

    Raises:
        WrapRejected: a key id is not 32 bytes long, or comes twice.
    """
    ordered = sorted(wraps)
    digest = hashlib.sha256(b"AML1-wraps" + len(ordered).to_bytes(4))
    if len({recipient for recipient, _ in ordered}) != len(ordered):
        raise WrapRejected("A record has two wraps for the same key.")
    for recipient, wrapped in ordered:
        if len(recipient) != KEY_ID_LENGTH:
            raise WrapRejected(f"A key id has {KEY_ID_LENGTH} bytes.")
        digest.update(recipient + len(wrapped).to_bytes(2) + wrapped)
    return digest.digest()


def granted_hash(records: Iterable[tuple[bytes, bytes]]) -> bytes:
    """Return the hash of wraps made for many records at once, in whatever order.

    SHA-256 of "AML1-granted" ‖ count u32 ‖ for each record, in rising order of id:
    record id (16) ‖ wraps_hash of that record's new wraps (32); numbers big-endian.

    Args:
        records: pairs of record id and wraps hash.
    """
    ordered = sorted(records)
    digest = hashlib.sha256(b"AML1-granted" + len(ordered).to_bytes(4))
    for record_id, wraps in ordered:
        digest.update(record_id + wraps)
    return digest.digest()


def check_rsa_size(bits: int) -> None:
    """Refuse RSA keys of another size than the format's 3072 bits.

    Raises:
        ValueError: the size is another one.
    """
    if bits != RSA_BITS:
        raise ValueError(f"Sealing keys are RSA with {RSA_BITS} bits, not {bits}.")


def recipient_label(record_id: bytes, recipient_key_id: bytes) -> bytes:
    """Return record id ‖ key id, which keeps a wrap from being moved.

    Raises:
        ValueError: the record id has not 16 bytes, or the key id not 32.
    """
    if len(record_id) != RECORD_ID_LENGTH or len(recipient_key_id) != KEY_ID_LENGTH:
        raise ValueError("A record id has 16 bytes and a key id 32.")
    return record_id + recipient_key_id


def oaep(label: bytes) -> padding.OAEP:
    """Return the OAEP padding of the format, with SHA-256 throughout."""
    return padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), label)
