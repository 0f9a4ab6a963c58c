"""States the envelope's bytes, version 1.

All numbers are big-endian.

    header, 34 bytes
     0   4  magic "ANSE"
     4   1  version, 1
     5   1  algorithm, 1 = AES-256-GCM in STREAM order
     6   1  padding law, 1 = PADMÉ from 16,384 bytes up
     7   4  chunk size: bytes of plaintext in every chunk but the last
    11  16  record id
    27   7  nonce prefix, random for each envelope

    chunk i (i = 0, 1, …): AES-256-GCM ciphertext ‖ tag (16 bytes)
      nonce       nonce prefix (7) ‖ i u32 ‖ kind u8
      associated  header (34) ‖ i u32
      plaintext   by kind
        0 full    content; nothing else
        2 padded  not the last: the rest of the content ‖ 0x80 ‖ zeros,
                  or zeros alone where an earlier chunk held the end of the content
        1 last    as padded; exactly one, at the end

The kind is not written down: a reader knows the last chunk by its place, tries *full*
before *padded* elsewhere, and so sees from outside where a document ends no more than
anyone else. Every plaintext but the last chunk's has exactly the chunk size. All
plaintexts together have ``padded_length(length of the content + 1)`` bytes, so that
the length of an envelope says only which bucket its content lies in.
"""

import struct
from dataclasses import dataclass
from enum import IntEnum

from records.encryption.errors import (
    EnvelopeTruncated,
    HeaderRejected,
    NotAnEnvelope,
    UnknownAlgorithm,
    UnknownVersion,
)

MAGIC = b"ANSE"
VERSION = 1
AES_256_GCM_STREAM = 1
PADME = 1
CHUNK_SIZE = 131_072
SMALLEST_CHUNK = 1_024
LARGEST_CHUNK = 1_048_576
SMALLEST_BUCKET = 16_384
RECORD_ID_LENGTH = 16
NONCE_PREFIX_LENGTH = 7
TAG_LENGTH = 16
LAST_INDEX = 2**32 - 1
END_MARK = b"\x80"

_HEADER = struct.Struct(f">4sBBBI{RECORD_ID_LENGTH}s{NONCE_PREFIX_LENGTH}s")
HEADER_LENGTH = _HEADER.size
_NONCE = struct.Struct(f">{NONCE_PREFIX_LENGTH}sIB")


def padded_length(length: int) -> int:
    """Return the upper end of the bucket that a content's length falls in.

    Below 16 KiB there is one bucket. From there on PADMÉ (Nikitin et al. 2019,
    "Reducing metadata leakage from encrypted files and communication with PURBs",
    algorithm 1): with E = ⌊log₂ length⌋ and S = ⌊log₂ E⌋ + 1, the last E − S bits
    are rounded up to zero. It adds at most 12 % and leaks O(log log length) bits.

    Args:
        length: bytes of content, ``0 <= length``.

    Returns:
        Bytes, at least ``length``; never decreasing, and its own bucket:
        ``padded_length(padded_length(n)) == padded_length(n)``.
    """
    if length <= SMALLEST_BUCKET:
        return SMALLEST_BUCKET
    exponent = length.bit_length() - 1
    free_bits = exponent - exponent.bit_length()
    mask = (1 << free_bits) - 1
    return (length + mask) & ~mask


class ChunkKind(IntEnum):
    """What a chunk's plaintext is made of."""

    FULL = 0
    LAST = 1
    PADDED = 2


@dataclass(frozen=True)
class Header:
    """The part of an envelope that is not secret.

    Args:
        record_id: 16 bytes, the record the envelope belongs to.
        nonce_prefix: 7 bytes, random for each envelope.
        chunk_size: bytes of plaintext in a chunk; a power of two, 1 KiB to 1 MiB.
    """

    record_id: bytes
    nonce_prefix: bytes
    chunk_size: int = CHUNK_SIZE

    def nonce(self, index: int, kind: ChunkKind) -> bytes:
        """Return the 12-byte nonce of a chunk, ``0 <= index <= LAST_INDEX``."""
        return _NONCE.pack(self.nonce_prefix, index, kind)


def encode_header(header: Header) -> bytes:
    """Return the 34 bytes that open an envelope.

    Raises:
        HeaderRejected: a field lies outside its range.
    """
    _check_ranges(header)
    return _HEADER.pack(
        MAGIC,
        VERSION,
        AES_256_GCM_STREAM,
        PADME,
        header.chunk_size,
        header.record_id,
        header.nonce_prefix,
    )


def decode_header(data: bytes) -> Header:
    """Read the first 34 bytes of an envelope; anything after them is not looked at.

    Raises:
        NotAnEnvelope: the magic is missing.
        EnvelopeTruncated: fewer than 34 bytes.
        UnknownVersion, UnknownAlgorithm, HeaderRejected: as their names say.
    """
    if data[: len(MAGIC)] != MAGIC[: len(data)] or not data:
        raise NotAnEnvelope("This is not a sealed document.")
    if len(data) < HEADER_LENGTH:
        raise EnvelopeTruncated("The sealed document ends within its header.")
    fields = _HEADER.unpack(data[:HEADER_LENGTH])
    _, version, algorithm, padding, chunk_size, record_id, nonce_prefix = fields
    if version != VERSION:
        raise UnknownVersion(
            f"The document is sealed in version {version}; "
            f"this software reads version {VERSION}."
        )
    if algorithm != AES_256_GCM_STREAM:
        raise UnknownAlgorithm(f"The document is sealed with algorithm {algorithm}.")
    if padding != PADME:
        raise HeaderRejected(f"The document names an unknown padding law, {padding}.")
    header = Header(record_id, nonce_prefix, chunk_size)
    _check_ranges(header)
    return header


def _check_ranges(header: Header) -> None:
    size = header.chunk_size
    if not SMALLEST_CHUNK <= size <= LARGEST_CHUNK or size.bit_count() != 1:
        raise HeaderRejected(
            f"A chunk size of {size} bytes is not a power of two "
            f"from {SMALLEST_CHUNK} to {LARGEST_CHUNK}."
        )
    if len(header.record_id) != RECORD_ID_LENGTH:
        raise HeaderRejected("A record id has 16 bytes.")
    if len(header.nonce_prefix) != NONCE_PREFIX_LENGTH:
        raise HeaderRejected("A nonce prefix has 7 bytes.")
