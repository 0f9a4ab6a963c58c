"""Model fields whose values lie in the database sealed under the master key."""

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.db import models

from portal.errors import KeyUnavailable
from portal.master_keys import (
    NAME_BYTES,
    derived_key,
    held_keys,
    key_name,
    master_keys,
)

UNNAMED, NAMED = b"\x01", b"\x02"
"""Versions; values of the first do not name their key, and are no longer made."""
NONCE_BYTES = 12
CLOSED = "(sealed)"
"""What a worker reads that holds the diagnosis service's keys alone."""


def seal(plaintext: bytes, *, purpose: str) -> bytes:
    """Seal under the master key, bound to a purpose.

    Version 2 (1) ‖ name of the key (8) ‖ nonce (12, random) ‖ AES-256-GCM, the purpose
    as associated data. Version 1 is the same without the name.
    """
    nonce = secrets.token_bytes(NONCE_BYTES)
    cipher = AESGCM(derived_key(master_keys()[0], "seal"))
    return current_mark() + nonce + cipher.encrypt(nonce, plaintext, purpose.encode())


def unseal(sealed: bytes, *, purpose: str) -> bytes:
    """The plaintext of `seal` under the same purpose.

    Raises:
        KeyUnavailable: another master key, another purpose or changed bytes.
    """
    if sealed[:1] == NAMED:
        name, rest = sealed[1 : 1 + NAME_BYTES], sealed[1 + NAME_BYTES :]
        keys = [key for key in master_keys() if key_name(key) == name]
    elif sealed[:1] == UNNAMED:
        keys, rest = list(master_keys()), sealed[1:]
    else:
        raise KeyUnavailable("A sealed field is of a version that is not known here.")
    for key in keys:
        cipher = AESGCM(derived_key(key, "seal"))
        try:
            return cipher.decrypt(
                rest[:NONCE_BYTES], rest[NONCE_BYTES:], purpose.encode()
            )
        except (InvalidTag, ValueError):
            continue
    raise KeyUnavailable(
        "A sealed field does not open: the master key is not the one it was sealed with."
    )


def current_mark() -> bytes:
    """How everything starts that is sealed under the master key, 9 bytes."""
    return NAMED + key_name(master_keys()[0])


def blind_index(value: str, *, purpose: str) -> bytes:
    """A keyed fingerprint (32 bytes) to be stored, by which an equal value is found.

    Upper and lower case, blanks and hyphens are alike: people type them as they like.
    """
    return blind_indexes(value, purpose=purpose)[0]


def blind_indexes(value: str, *, purpose: str) -> list[bytes]:
    """The fingerprints under which a value may be stored, to be looked up with `__in`.

    More than one while the master key is rotated: `blind_index`, then the one before.
    """
    folded = "".join(value.replace("-", " ").split()).casefold().encode()
    return [
        hmac.digest(derived_key(key, f"index {purpose}"), folded, hashlib.sha256)
        for key in master_keys()
    ]


@dataclass(frozen=True)
class BlindIndex:
    """Where the blind index of a sealed field lies: a column of the same row."""

    column: str
    purpose: str


class SealedTextField(models.TextField):  # type: ignore[type-arg] # not generic at run time
    """Text that only a holder of the master key can read; a column of bytes.

    The column's name is bound in, so a value cannot be moved to another column.

    Args:
        index: where its blind index lies, if it has one; both are made anew together.
    """

    def __init__(
        self, *args: Any, index: BlindIndex | None = None, **options: Any
    ) -> None:
        super().__init__(*args, **options)
        self.index = index

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
        """Open what the database gave; it stays closed to a worker without the key.

        Such a worker cannot write it back either: sealing needs the key.
        """
        if value is None:
            return None
        if held_keys() is not None:
            return CLOSED
        return unseal(bytes(value), purpose=self._purpose()).decode()

    def _purpose(self) -> str:
        return f"{self.model._meta.label}.{self.attname}"  # noqa: SLF001 - Django's API
