"""Model fields whose values lie in the database sealed under the master key."""

import hashlib
import hmac
import secrets
from functools import cache
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.db import models

from portal.environment import master_key
from portal.errors import KeyUnavailable

VERSION = b"\x01"
NONCE_BYTES = 12


@cache
def derived_key(purpose: str) -> bytes:
    """32 bytes for one purpose, HKDF-SHA256 of the master key."""
    return HKDF(SHA256(), 32, None, b"anamnesis-1 " + purpose.encode()).derive(
        master_key()
    )


def seal(plaintext: bytes, *, purpose: str) -> bytes:
    """Version (1) ‖ nonce (12, random) ‖ AES-256-GCM, the purpose as associated data."""
    nonce = secrets.token_bytes(NONCE_BYTES)
    sealed = AESGCM(derived_key("seal")).encrypt(nonce, plaintext, purpose.encode())
    return VERSION + nonce + sealed


def unseal(sealed: bytes, *, purpose: str) -> bytes:
    """The plaintext of `seal` under the same purpose.

    Raises:
        KeyUnavailable: another master key, another purpose or changed bytes.
    """
    if sealed[:1] != VERSION:
        raise KeyUnavailable("A sealed field is of a version that is not known here.")
    nonce, body = sealed[1 : 1 + NONCE_BYTES], sealed[1 + NONCE_BYTES :]
    try:
        return AESGCM(derived_key("seal")).decrypt(nonce, body, purpose.encode())
    except (InvalidTag, ValueError) as error:
        raise KeyUnavailable(
            "A sealed field does not open: the master key is not the one it was sealed with."
        ) from error


def blind_index(value: str, *, purpose: str) -> bytes:
    """A keyed fingerprint (32 bytes) by which an equal value can be found.

    Upper and lower case, blanks and hyphens are alike: people type them as they like.
    """
    folded = "".join(value.replace("-", " ").split()).casefold().encode()
    return hmac.digest(derived_key(f"index {purpose}"), folded, hashlib.sha256)


class SealedTextField(models.TextField):  # type: ignore[type-arg] # not generic at run time
    """Text that only a holder of the master key can read; a column of bytes.

    The column's name is bound in, so a value cannot be moved to another column.
    """

    def get_internal_type(self) -> str:
        """The column holds bytes."""
        return "BinaryField"

    def get_db_prep_value(
        self,
        value: Any,
        connection: Any,
        prepared: bool = False,  # noqa: FBT001, FBT002 - Django's signature
    ) -> Any:
        """Seal what goes into the database."""
        if not isinstance(value, str):
            return value
        return seal(value.encode(), purpose=self._purpose())

    def from_db_value(self, value: Any, *_: Any) -> str | None:
        """Open what the database gave."""
        if value is None:
            return None
        return unseal(bytes(value), purpose=self._purpose()).decode()

    def _purpose(self) -> str:
        return f"{self.model._meta.label}.{self.attname}"  # noqa: SLF001 - Django's API
