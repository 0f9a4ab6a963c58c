"""Salted hashes that say nothing once their salt is gone."""

from hashlib import sha256
from typing import Any

import pytest

from ledger.commitments import meta_commitment, subject_tag
from ledger.errors import EncodingError

SALT = bytes(range(32))


def test_a_subject_tag_is_the_hash_the_layout_names():
    expected = sha256(b"AML1-subject" + SALT + b"patient 1").digest()
    assert subject_tag(SALT, b"patient 1") == expected


def test_two_records_of_one_patient_carry_unlike_tags():
    assert subject_tag(SALT, b"patient 1") != subject_tag(bytes(32), b"patient 1")


def test_metadata_is_committed_to_in_one_written_form():
    text = '{"a":true,"n":3,"reason":"Größe","z":null}'
    expected = sha256(b"AML1-meta" + SALT + text.encode()).digest()
    metadata = {"z": None, "reason": "Größe", "n": 3, "a": True}
    assert meta_commitment(SALT, metadata) == expected
    assert meta_commitment(SALT, dict(reversed(metadata.items()))) == expected


@pytest.mark.parametrize("value", [1.5, ["a"], {"a": 1}, b"bytes", 2**53, -(2**53)])
def test_metadata_without_one_written_form_is_refused(value):
    with pytest.raises(EncodingError):
        meta_commitment(SALT, {"key": value})


def test_keys_are_ascii_text():
    key: Any
    for key in ("größe", 3):
        with pytest.raises(EncodingError, match="keys are ASCII"):
            meta_commitment(SALT, {key: 1})


def test_the_salt_has_one_length_so_that_it_cannot_run_into_the_value():
    with pytest.raises(EncodingError, match="salt"):
        subject_tag(SALT + b"p", b"atient 1")
    with pytest.raises(EncodingError, match="salt"):
        meta_commitment(b"", {})
    with pytest.raises(EncodingError, match="id"):
        subject_tag(SALT, b"")
