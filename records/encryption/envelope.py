"""Seals documents of any length in authenticated chunks."""

import secrets
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import TypeVar

from cryptography.exceptions import InvalidTag

from records.chunking import equal_pieces
from records.encryption.chunk_cipher import DATA_KEY_LENGTH, ChunkCipher
from records.encryption.errors import ForeignRecord
from records.encryption.format import (
    CHUNK_SIZE,
    END_MARK,
    HEADER_LENGTH,
    NONCE_PREFIX_LENGTH,
    TAG_LENGTH,
    ChunkKind,
    Header,
    decode_header,
    encode_header,
    padded_length,
)
from records.encryption.padding import PaddingReader
from records.encryption.refusals import explain

T = TypeVar("T")


def new_data_key() -> bytes:
    """Return 32 random bytes: the AES-256 key of one document, never used again."""
    return secrets.token_bytes(DATA_KEY_LENGTH)


def seal(
    plaintext: Iterable[bytes],
    *,
    data_key: bytes,
    record_id: bytes,
    chunk_size: int = CHUNK_SIZE,
) -> Iterator[bytes]:
    """Seal a document; the bytes are those of ``records.encryption.format``.

    Args:
        plaintext: the document, in items of any length. Never held whole.
        data_key: 32 bytes from ``new_data_key``, for this document alone.
        record_id: 16 bytes; the envelope opens for this record only.
        chunk_size: bytes of plaintext in a chunk; a power of two, 1 KiB to 1 MiB.

    Returns:
        The envelope, one chunk after the other. Its length depends on the bucket
        of the document's length alone.

    Raises:
        ValueError: the data key does not have 32 bytes.
        HeaderRejected: the record id or the chunk size is not of the form.
    """
    header = Header(record_id, secrets.token_bytes(NONCE_PREFIX_LENGTH), chunk_size)
    cipher = ChunkCipher(data_key, header)
    return _seal_chunks(plaintext, cipher, header)


def open_sealed(
    sealed: Iterable[bytes], *, data_key: bytes, record_id: bytes
) -> Iterator[bytes]:
    """Open an envelope; no byte is released before its chunk is authenticated.

    The caller must have checked the key's commitment (``wrapping.check_commitment``)
    and must throw away what was released if the iteration ends in an exception:
    the released bytes are authentic, but they are not the whole document.

    Args:
        sealed: the envelope, in items of any length. Never held whole.
        data_key: the 32 bytes it was sealed with.
        record_id: the 16 bytes of the record it must belong to.

    Returns:
        The document, in items of at most a chunk.

    Raises:
        ValueError: the data key does not have 32 bytes; when iterated.
        EnvelopeRejected: its subclasses name what is wrong; when iterated.
    """
    stream = iter(sealed)
    start = b""
    while len(start) < HEADER_LENGTH and (item := next(stream, None)) is not None:
        start += bytes(item)
    header = decode_header(start)
    if header.record_id != record_id:
        raise ForeignRecord("The sealed document belongs to another record.")
    cipher = ChunkCipher(data_key, header)
    chunks = equal_pieces(
        chain([start[HEADER_LENGTH:]], stream), header.chunk_size + TAG_LENGTH
    )
    yield from _open_chunks(chunks, cipher, header)


def _seal_chunks(
    plaintext: Iterable[bytes], cipher: ChunkCipher, header: Header
) -> Iterator[bytes]:
    yield encode_header(header)
    plains = _plain_chunks(plaintext, header.chunk_size)
    for index, (plain, kind) in enumerate(plains):
        yield cipher.seal(index, plain, kind)


def _plain_chunks(
    plaintext: Iterable[bytes], size: int
) -> Iterator[tuple[memoryview | bytes, ChunkKind]]:
    length = 0
    rest = memoryview(b"")
    for piece in equal_pieces(plaintext, size):
        length += len(piece)
        if len(piece) == size:
            yield piece, ChunkKind.FULL
        else:
            rest = piece
    room = padded_length(length + len(END_MARK)) - (length - len(rest))
    filling = b"".join((rest, END_MARK))
    while room > size:
        yield filling.ljust(size, b"\0"), ChunkKind.PADDED
        filling = b""
        room -= size
    yield filling.ljust(room, b"\0"), ChunkKind.LAST


def _open_chunks(
    chunks: Iterable[memoryview], cipher: ChunkCipher, header: Header
) -> Iterator[bytes]:
    padding = PaddingReader()
    for index, (chunk, last) in enumerate(_mark_last(chunks)):
        kinds = (ChunkKind.LAST,) if last else (ChunkKind.FULL, ChunkKind.PADDED)
        plain, kind = _open_as_any(cipher, index, chunk, kinds)
        if plain is None:
            raise explain(cipher, header, index=index, chunk=chunk, last=last)
        if content := padding.strip(plain, kind):
            yield content
    padding.finish()


def _open_as_any(
    cipher: ChunkCipher, index: int, chunk: memoryview, kinds: Iterable[ChunkKind]
) -> tuple[bytes | None, ChunkKind]:
    for kind in kinds:
        try:
            return cipher.open(index, chunk, kind), kind
        except InvalidTag:
            continue
    return None, ChunkKind.FULL


def _mark_last(items: Iterable[T]) -> Iterator[tuple[T, bool]]:
    """Yield each item with whether it is the last one."""
    held: list[T] = []
    for item in items:
        if held:
            yield held.pop(), False
        held.append(item)
    if held:
        yield held.pop(), True
