"""Seals single chunks of an envelope with AES-256-GCM."""

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from records.encryption.format import ChunkKind, Header, encode_header

DATA_KEY_LENGTH = 32


class ChunkCipher:
    """AES-256-GCM under one data key, bound to one header.

    A chunk's place with its kind are in its nonce, the whole header
    and the place are associated data: STREAM (Hoang, Reyhanitabar, Rogaway and
    Vizár 2015, "Online authenticated-encryption and its nonce-reuse
    misuse-resistance", section 7).
    """

    def __init__(self, data_key: bytes, header: Header) -> None:
        if len(data_key) != DATA_KEY_LENGTH:
            raise ValueError(f"A data key has {DATA_KEY_LENGTH} bytes.")
        self._cipher = AESGCM(data_key)
        self._header = header
        self._encoded_header = encode_header(header)

    def seal(self, index: int, plaintext: bytes | memoryview, kind: ChunkKind) -> bytes:
        """Return ciphertext ‖ tag, 16 bytes longer than the plaintext."""
        nonce = self._header.nonce(index, kind)
        return self._cipher.encrypt(nonce, plaintext, self._associated(index))

    def open(self, index: int, chunk: bytes | memoryview, kind: ChunkKind) -> bytes:
        """Return the plaintext of a chunk.

        Raises:
            InvalidTag: these bytes were not sealed with this key for this place.
        """
        nonce = self._header.nonce(index, kind)
        return self._cipher.decrypt(nonce, chunk, self._associated(index))

    def is_authentic(
        self, index: int, chunk: bytes | memoryview, kind: ChunkKind
    ) -> bool:
        """Say whether a chunk was sealed as this kind for this place."""
        try:
            self.open(index, chunk, kind)
        except InvalidTag:
            return False
        return True

    def _associated(self, index: int) -> bytes:
        return self._encoded_header + index.to_bytes(4)
