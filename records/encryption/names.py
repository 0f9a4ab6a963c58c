"""Seals the name of a document for one reader, as hex text."""

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey

from records.encryption.errors import NameRejected
from records.encryption.wrapping import check_rsa_size, oaep, recipient_label

LONGEST_NAME = 255
PLAIN_LENGTH = 1 + LONGEST_NAME
SEALED_NAME_LENGTH = 768
# Keeps a sealed name from being offered as a key wrap of the same record.
_DOMAIN = b"AML1-name"


def seal_name(
    name: str, *, public_key: RSAPublicKey, record_id: bytes, recipient_key_id: bytes
) -> str:
    """Seal a name for one reader with RSA-3072-OAEP (SHA-256).

    What is sealed: length u8 ‖ name in UTF-8 ‖ zeros up to 256 bytes, so that the
    sealed name does not tell the length. OAEP label: "AML1-name" ‖ record id ‖ key id.

    Args:
        name: up to 255 bytes in UTF-8.
        public_key: the reader's, RSA with 3072 bits.
        record_id: 16 bytes; the name opens for this record only.
        recipient_key_id: 32 bytes; the name opens for this key only.

    Returns:
        768 lower-case hex digits, different each time.

    Raises:
        NameRejected: the name is too long, or not text.
        ValueError: an id or the key has a wrong length.
    """
    check_rsa_size(public_key.key_size)
    label = _DOMAIN + recipient_label(record_id, recipient_key_id)
    return public_key.encrypt(_encode(name), oaep(label)).hex()


def open_name(
    sealed: str,
    *,
    private_key: RSAPrivateKey,
    record_id: bytes,
    recipient_key_id: bytes,
) -> str:
    """Open a name sealed by ``seal_name`` for this record and this key.

    Raises:
        NameRejected: the text was changed, or sealed for another record or key.
        ValueError: an id or the key has a wrong length.
    """
    check_rsa_size(private_key.key_size)
    label = _DOMAIN + recipient_label(record_id, recipient_key_id)
    try:
        plain = private_key.decrypt(_decode_hex(sealed), oaep(label))
    except ValueError as error:
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
    except (IndexError, UnicodeDecodeError):
        well_formed = False
        name = ""
    if not well_formed:
        raise NameRejected("The sealed name does not hold a name.")
    return name


def _decode_hex(sealed: str) -> bytes:
    if len(sealed) != SEALED_NAME_LENGTH or set(sealed) - set("0123456789abcdef"):
        raise NameRejected("A sealed name is 768 lower-case hex digits.")
    return bytes.fromhex(sealed)
