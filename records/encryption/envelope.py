"""Seals documents of any length in authenticated chunks."""

import secrets
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import TypeVar

from cryptography.exceptions import InvalidTag

from records.chunking import equal_pieces
from records.encryption.chunk_cipher import DATA_KEY_LENGTH, ChunkCipher
from records.encryption.errors import (
    EnvelopeTruncated,
    ForeignRecord,
    PaddingRejected,
)
from records.encryption.format import (
    CHUNK_SIZE,
    HEADER_LENGTH,
    NONCE_PREFIX_LENGTH,
    TAG_LENGTH,
    USED_LENGTH,
    Header,
    decode_header,
    encode_header,
    padded_length,
)
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
    rooms = _rooms(plaintext, header.capacity)
    for index, ((content, room), last) in enumerate(_mark_last(rooms)):
        used = len(content)
        plain = b"".join((used.to_bytes(USED_LENGTH), content, bytes(room - used)))
        yield cipher.seal(index, plain, last=last)


def _rooms(
    plaintext: Iterable[bytes], capacity: int
) -> Iterator[tuple[memoryview, int]]:
    """Yield each chunk's content with the bytes of room it gets, padding included."""
    length = 0
    tail = memoryview(b"")
    for piece in equal_pieces(plaintext, capacity):
        length += len(piece)
        if len(piece) == capacity:
            yield piece, capacity
        else:
            tail = piece
    room = padded_length(length) - (length - len(tail))
    while room > 0:
        yield tail, min(room, capacity)
        tail = memoryview(b"")
        room -= capacity


def _open_chunks(
    chunks: Iterable[memoryview], cipher: ChunkCipher, header: Header
) -> Iterator[bytes]:
    layout = _Layout()
    for index, (chunk, last) in enumerate(_mark_last(chunks)):
        try:
            plain = cipher.open(index, chunk, last=last)
        except InvalidTag:
            reason = explain(cipher, header, index=index, chunk=chunk, last=last)
            raise reason from None
        content = layout.take(plain)
        if content:
            yield content
    layout.finish()


def _mark_last(items: Iterable[T]) -> Iterator[tuple[T, bool]]:
    """Yield each item with whether it is the last one."""
    held: list[T] = []
    for item in items:
        if held:
            yield held.pop(), False
        held.append(item)
    if held:
        yield held.pop(), True


class _Layout:
    """Follows the content through the chunks, so that one document has one form."""

    def __init__(self) -> None:
        self._room = 0
        self._length = 0

    def take(self, plain: bytes) -> bytes:
        """Return the content of the next chunk's plaintext."""
        used = int.from_bytes(plain[:USED_LENGTH])
        room = len(plain) - USED_LENGTH
        if room < 1 or used > room:
            raise PaddingRejected("A chunk claims more content than it holds.")
        if used and self._length < self._room:
            raise PaddingRejected("Content follows the padding of the document.")
        if plain.count(0, USED_LENGTH + used) != room - used:
            raise PaddingRejected("The padding of the document is not zero.")
        self._room += room
        self._length += used
        return plain[USED_LENGTH : USED_LENGTH + used]

    def finish(self) -> None:
        """Check the whole document's padding after its last chunk."""
        if not self._room:
            raise EnvelopeTruncated("The sealed document ends after its header.")
        if self._room != padded_length(self._length):
            raise PaddingRejected("The document is not padded to its bucket.")
