"""Makes content identifiers of the profile, and reads no others.

A CID here is CIDv1 with sha2-256: binary 0x01 ‖ codec u8 (0x55 raw, 0x70 dag-pb)
‖ 0x12 0x20 ‖ digest (32), 36 bytes; as text "b" ‖ base32 in lower case, 59 characters.
"""

import hashlib
from typing import Literal

from multiformats import CID

from records.storage.errors import CidRejected

Codec = Literal["raw", "dag-pb"]

SHA2_256_PREFIX = b"\x12\x20"
BINARY_LENGTH = 36
TEXT_LENGTH = 59
_CODES: dict[Codec, int] = {"raw": 0x55, "dag-pb": 0x70}
_CODECS = {code: codec for codec, code in _CODES.items()}


def binary_cid_of(data: bytes | memoryview, codec: Codec) -> bytes:
    """Return the 36 bytes of one block's CID, at the cost of hashing alone."""
    prefix = bytes([1, _CODES[codec]]) + SHA2_256_PREFIX
    return prefix + hashlib.sha256(data).digest()


def cid_of(data: bytes | memoryview, codec: Codec) -> CID:
    """Return the CID of one block."""
    return decode_cid(binary_cid_of(data, codec))


def codec_of(cid: CID) -> Codec:
    """Return how the block under a CID is encoded."""
    return "raw" if cid.codec.name == "raw" else "dag-pb"


def parse_cid(text: str) -> CID:
    """Read a CID from its one text form.

    Raises:
        CidRejected: another version, hash, codec or base, or not a CID at all.
    """
    if len(text) != TEXT_LENGTH or not text.isascii() or not text.startswith("b"):
        raise CidRejected(f"A CID has {TEXT_LENGTH} characters and begins with 'baf'.")
    try:
        cid = decode_cid(bytes(CID.decode(text)))
    except (ValueError, KeyError) as error:
        raise CidRejected("This text is not a CID.") from error
    if str(cid) != text:
        raise CidRejected("This text is not the usual form of a CID.")
    return cid


def decode_cid(data: bytes) -> CID:
    """Read a CID from its 36 bytes.

    Raises:
        CidRejected: another version, hash or codec, or not a CID at all.
    """
    codec = check_binary_cid(data)
    return CID("base32", 1, codec, ("sha2-256", data[4:]))


def check_binary_cid(data: bytes) -> Codec:
    """Return the codec that the 36 bytes of a CID name.

    Raises:
        CidRejected: another version, hash or codec, or not a CID at all.
    """
    codec = _CODECS.get(data[1]) if len(data) == BINARY_LENGTH else None
    if codec is None or data[0] != 1 or data[2:4] != SHA2_256_PREFIX:
        raise CidRejected("The bytes are not a CIDv1 with sha2-256, raw or dag-pb.")
    return codec
