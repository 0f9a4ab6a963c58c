"""A sealed value opens with the master key, where it was put, unchanged."""

import pytest
from django.db import connection
from django.db.models import Model
from hypothesis import given
from hypothesis import strategies as st

from portal.errors import KeyUnavailable
from portal.master_keys import master_keys
from portal.models import User
from portal.sealed_fields import blind_index, seal, unseal
from records.models import Enrolment, Patient
from tests.cast import CHILD, Cast


@pytest.fixture
def another_master_key(monkeypatch: pytest.MonkeyPatch):
    """As after a restart with the wrong secret."""
    monkeypatch.setenv("MASTER_KEY", "ab" * 32)
    master_keys.cache_clear()
    yield
    monkeypatch.undo()
    master_keys.cache_clear()


@given(st.binary(max_size=300))
def test_what_is_sealed_opens_again(value: bytes):
    sealed = seal(value, purpose="test")
    assert unseal(sealed, purpose="test") == value
    assert len(sealed) == len(value) + 37


def test_equal_values_are_sealed_differently():
    assert seal(b"Kim", purpose="test") != seal(b"Kim", purpose="test")


@pytest.mark.parametrize("at", [0, 1, 8, 9, 20, 21, 28, -1])
def test_a_changed_byte_is_refused(at: int):
    sealed = bytearray(seal(b"a value", purpose="test"))
    sealed[at] ^= 1
    with pytest.raises(KeyUnavailable):
        unseal(bytes(sealed), purpose="test")


@pytest.mark.parametrize("length", [0, 1, 9, 20, 21, 36])
def test_a_cut_value_is_refused(length: int):
    with pytest.raises(KeyUnavailable):
        unseal(seal(b"a value", purpose="test")[:length], purpose="test")


def test_another_purpose_does_not_open():
    with pytest.raises(KeyUnavailable, match="does not open"):
        unseal(seal(b"a value", purpose="one"), purpose="other")


# In the database


def column(model: type[Model], name: str) -> bytes:
    table = model._meta.db_table
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {name} FROM {table} LIMIT 1")
        return bytes(cursor.fetchone()[0])


@pytest.mark.parametrize(
    ("model", "name"),
    [
        (User, "full_name"),
        (Patient, "full_name"),
        (Patient, "birth_date_text"),
        (Patient, "code"),
        (Enrolment, "hospital_number"),
    ],
)
def test_the_column_holds_sealed_bytes(cast: Cast, model: type[Model], name: str):
    raw = column(model, name)
    opened = unseal(raw, purpose=f"{model._meta.label}.{name}")
    assert opened
    assert opened not in raw


def test_a_value_moved_to_another_column_is_refused(cast: Cast):
    with connection.cursor() as cursor:
        cursor.execute("UPDATE records_patient SET birth_date_text = full_name")
    with pytest.raises(KeyUnavailable):
        Patient.objects.get(pk=cast.child.pk)


def test_a_value_moved_to_another_table_is_refused(cast: Cast):
    raw = column(User, "full_name")
    with connection.cursor() as cursor:
        cursor.execute("UPDATE records_patient SET full_name = %s", [raw])
    with pytest.raises(KeyUnavailable):
        Patient.objects.first()


def test_with_another_master_key_nothing_opens(cast: Cast, another_master_key):
    with pytest.raises(KeyUnavailable, match="not the one it was sealed with"):
        Patient.objects.first()


def test_nobody_is_found_by_a_sealed_value(cast: Cast):
    assert not Patient.objects.filter(full_name=CHILD).exists()


# Blind indexes


@pytest.mark.parametrize("typed", ["K7MD-2QWX", "k7md-2qwx", " k7md - 2QWX "])
def test_an_index_is_the_same_however_it_is_typed(typed: str):
    assert blind_index(typed, purpose="code") == blind_index(
        "K7MD-2QWX", purpose="code"
    )


def test_an_index_differs_by_purpose_value_and_key(
    monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
):
    here = blind_index("B-1", purpose="number")
    assert len(here) == 32
    assert here != blind_index("B-1", purpose="code")
    assert here != blind_index("B-2", purpose="number")
    request.getfixturevalue("another_master_key")
    assert here != blind_index("B-1", purpose="number")
