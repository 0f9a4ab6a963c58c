"""Takes the padding off the plaintexts of an envelope's chunks."""

from records.encryption.errors import EnvelopeTruncated, PaddingRejected
from records.encryption.format import END_MARK, ChunkKind, padded_length


class PaddingReader:
    """Follows the plaintexts in their order, so that one document has one form."""

    def __init__(self) -> None:
        self._plain_length = 0
        self._content_length = 0
        self._ended = False

    def strip(self, plain: bytes, kind: ChunkKind) -> bytes:
        """Return the content of the next plaintext, empty after the content's end.

        Raises:
            PaddingRejected: the plaintext is not of the form its kind has.
        """
        content = plain if kind is ChunkKind.FULL else self._strip_end(plain)
        if kind is ChunkKind.FULL and self._ended:
            raise PaddingRejected("Content follows the end of the document.")
        self._plain_length += len(plain)
        self._content_length += len(content)
        self._ended = kind is not ChunkKind.FULL
        return content

    def finish(self) -> None:
        """Check the whole, after the last plaintext.

        Raises:
            EnvelopeTruncated: there was no chunk at all.
            PaddingRejected: the plaintexts do not fill the content's bucket.
        """
        if not self._plain_length:
            raise EnvelopeTruncated("The sealed document ends after its header.")
        bucket = padded_length(self._content_length + len(END_MARK))
        if self._plain_length != bucket:
            raise PaddingRejected("The document is not padded to its bucket.")

    def _strip_end(self, plain: bytes) -> bytes:
        end = 0 if self._ended else plain.rfind(END_MARK)
        if end < 0:
            raise PaddingRejected("The end of the document is not marked.")
        zeros_from = end if self._ended else end + len(END_MARK)
        if plain[zeros_from:] != bytes(len(plain) - zeros_from):
            raise PaddingRejected("The padding of the document is not zero.")
        return plain[:end]
