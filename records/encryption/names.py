"""Seals the name of a document under its data key, as hex text."""

import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from records.encryption.errors import NameRejected
from records.encryption.format import TAG_LENGTH
from records.encryption.wrapping import derived_key

LONGEST_NAME = 255
PLAIN_LENGTH = 1 + LONGEST_NAME
NONCE_LENGTH = 12
# Version 1 was sealed by RSA for each reader apart, and did not say its version.
VERSION = b"\x02"
SEALED_NAME_LENGTH = 2 * (len(VERSION) + NONCE_LENGTH + PLAIN_LENGTH + TAG_LENGTH)
_PURPOSE = b"AML1-name"


def seal_name(name: str, *, data_key: bytes, record_id: bytes) -> str:
    """Seal a name for everyone who holds the document's data key.

    The bytes: version u8, 2 ‖ nonce (12, random) ‖ AES-256-GCM ciphertext (256) ‖
    tag (16). Key: HKDF-SHA256 of the data key without salt, info "AML1-name" ‖
    record id. Associated data: the version. Plaintext: length u8 ‖ name in UTF-8 ‖
    zeros up to 256 bytes, so that the sealed name does not tell the length.

    Args:
        name: up to 255 bytes in UTF-8.
        data_key: the document's, 32 bytes.
        record_id: 16 bytes; the name opens for this record only.

    Returns:
        570 lower-case hex digits, different each time.

    Raises:
        NameRejected: the name is too long, or not text.
        ValueError: the data key or the record id has a wrong length.
    """
    cipher = AESGCM(derived_key(data_key, purpose=_PURPOSE, record_id=record_id))
    nonce = secrets.token_bytes(NONCE_LENGTH)
    return (VERSION + nonce + cipher.encrypt(nonce, _encode(name), VERSION)).hex()


def open_name(sealed: str, *, data_key: bytes, record_id: bytes) -> str:
    """Open a name sealed by ``seal_name`` for this record under this data key.

    The caller must have checked the key's commitment (``wrapping.check_commitment``).

    Raises:
        NameRejected: the text was changed, is of another version, or was sealed for
            another record or under another data key.
        ValueError: the data key or the record id has a wrong length.
    """
    cipher = AESGCM(derived_key(data_key, purpose=_PURPOSE, record_id=record_id))
    body = _decode_hex(sealed)[len(VERSION) :]
    try:
        plain = cipher.decrypt(body[:NONCE_LENGTH], body[NONCE_LENGTH:], VERSION)
    except InvalidTag as error:
        raise NameRejected(
            "The sealed name does not open for this record with this key."
        ) from error
    return _decode(plain)


def _encode(name: str) -> bytes:
    try:
        encoded = name.encode()
    except UnicodeEncodeError as error:
        raise NameRejected("The name holds characters that are not text.") from error
    if len(encoded) > LONGEST_NAME:
        raise NameRejected(
            f"The name is {len(encoded)} bytes long; {LONGEST_NAME} are allowed."
        )
    return (bytes([len(encoded)]) + encoded).ljust(PLAIN_LENGTH, b"\0")


def _decode(plain: bytes) -> str:
    try:
        name = plain[1 : 1 + plain[0]].decode()
        well_formed = _encode(name) == plain
    except UnicodeDecodeError:
        well_formed = False
        name = ""
    if not well_formed:
        raise NameRejected("The sealed name does not hold a name.")
    return name


def _decode_hex(sealed: str) -> bytes:
    if len(sealed) != SEALED_NAME_LENGTH or set(sealed) - set("0123456789abcdef"):
        raise NameRejected(
            f"A sealed name is {SEALED_NAME_LENGTH} lower-case hex digits."
        )
    decoded = bytes.fromhex(sealed)
    if decoded[:1] != VERSION:
        raise NameRejected(
            f"The name is sealed in version {decoded[0]};"
            f" this software reads version {VERSION[0]}."
        )
    return decoded
