"""Salted hashes that stand for a patient's data on the ledger.

Each salt belongs to one record and can be erased with it; what is left on the ledger
then says nothing, not even to someone who guesses.
"""

import json
from collections.abc import Mapping
from hashlib import sha256

from ledger.errors import EncodingError

SALT_BYTES = 32  # fixed, so that salt ‖ value can be split in one way only


def subject_tag(salt: bytes, patient_id: bytes) -> bytes:
    """Stand for a patient in one record: 32 bytes that no two records share.

    Args:
        salt: 32 random bytes of that record.
        patient_id: the patient's opaque id, at least one byte.

    Raises:
        EncodingError: the salt has another length, or there is no id.
    """
    _check_salt(salt)
    if not patient_id:
        raise EncodingError("A subject tag needs a patient's id.")
    return sha256(b"AML1-subject" + salt + patient_id).digest()


def meta_commitment(salt: bytes, metadata: Mapping[str, object]) -> bytes:
    """Commit to a record's metadata: 32 bytes, SHA-256("AML1-meta" ‖ salt ‖ JSON).

    The JSON is RFC 8785's for these values: keys sorted, no spaces, UTF-8. Keys
    are ASCII and whole numbers stay below 2⁵³, so that a browser computes the same.

    Args:
        salt: 32 random bytes of that record.
        metadata: text, whole numbers, truth values or None, under ASCII keys.

    Raises:
        EncodingError: a key or value that has no such form.
    """
    _check_salt(salt)
    for key, value in metadata.items():
        _check_pair(key, value)
    text = json.dumps(
        dict(metadata), sort_keys=True, separators=(",", ":"), ensure_ascii=False
    )
    return sha256(b"AML1-meta" + salt + text.encode()).digest()


def _check_salt(salt: bytes) -> None:
    if len(salt) != SALT_BYTES:
        raise EncodingError(f"A salt has {SALT_BYTES} bytes, not {len(salt)}.")


def _check_pair(key: object, value: object) -> None:
    if not (isinstance(key, str) and key.isascii()):
        raise EncodingError(f"{key!r} is no metadata key: keys are ASCII text.")
    if not (value is None or isinstance(value, str | int)):
        raise EncodingError(f"The metadata {key!r} is neither text nor a whole number.")
    if isinstance(value, int) and abs(value) >= 2**53:
        raise EncodingError(f"The metadata {key!r} is a number of 2⁵³ or more.")
