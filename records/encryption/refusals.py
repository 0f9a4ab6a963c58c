"""Names the reason why a chunk of an envelope does not open."""

from collections.abc import Iterator

from records.encryption.chunk_cipher import ChunkCipher
from records.encryption.errors import (
    ChunkDamaged,
    ChunkMisplaced,
    EnvelopeRejected,
    EnvelopeTruncated,
    TrailingData,
)
from records.encryption.format import (
    LAST_INDEX,
    TAG_LENGTH,
    ChunkKind,
    Header,
    padded_length,
)

# How far from its place a moved chunk is looked for: bounds the time of a refusal.
SEARCHED_DISTANCE = 256


def explain(
    cipher: ChunkCipher, header: Header, *, index: int, chunk: memoryview, last: bool
) -> EnvelopeRejected:
    """Return the error for a chunk that is not authentic where it stands.

    Only the holder of the data key can tell these apart, and none of them releases
    a byte: the name helps the person who has to repair the store.

    Args:
        cipher: bound to the envelope's header and data key.
        header: the envelope's header.
        index: the chunk's place.
        chunk: the bytes that stand there.
        last: whether nothing follows them.
    """
    if _has_later_end(cipher, header, index=index, chunk=chunk, last=last):
        return TrailingData("Bytes were added after the end of the sealed document.")
    if last and _is_cut_off(cipher, header, index=index, chunk=chunk):
        return EnvelopeTruncated("The end of the sealed document is missing.")
    origin = _find_origin(cipher, index=index, chunk=chunk)
    if origin is not None:
        return ChunkMisplaced(
            f"Chunk {origin} of the sealed document stands in place {index}."
        )
    return ChunkDamaged(
        f"Chunk {index} of the sealed document was changed, "
        "or the key belongs to another document."
    )


def last_chunk_lengths(header: Header, index: int) -> Iterator[int]:
    """Yield the lengths in bytes that a last chunk can have at a place, rising."""
    before = index * header.chunk_size
    padded = padded_length(before + 1)
    while padded - before <= header.chunk_size:
        yield padded - before + TAG_LENGTH
        padded = padded_length(padded + 1)


def _has_later_end(
    cipher: ChunkCipher, header: Header, *, index: int, chunk: memoryview, last: bool
) -> bool:
    return any(
        cipher.is_authentic(index, chunk[:length], ChunkKind.LAST)
        for length in last_chunk_lengths(header, index)
        if length < len(chunk) or (length == len(chunk) and not last)
    )


def _is_cut_off(
    cipher: ChunkCipher, header: Header, *, index: int, chunk: memoryview
) -> bool:
    if len(chunk) not in last_chunk_lengths(header, index):
        return True
    return any(
        cipher.is_authentic(index, chunk, kind)
        for kind in (ChunkKind.FULL, ChunkKind.PADDED)
    )


def _find_origin(cipher: ChunkCipher, *, index: int, chunk: memoryview) -> int | None:
    start = max(0, index - SEARCHED_DISTANCE)
    end = min(LAST_INDEX, index + SEARCHED_DISTANCE)
    for place in range(start, end + 1):
        if any(cipher.is_authentic(place, chunk, kind) for kind in ChunkKind):
            return place
    return None
