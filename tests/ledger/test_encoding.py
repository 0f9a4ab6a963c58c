"""The layout of version 1, to the byte."""

import struct
from dataclasses import replace
from hashlib import sha256
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.encoding import (
    MAX_ENTRY_BYTES,
    ZERO32,
    Entry,
    Statement,
    decode_entry,
    decode_statement,
    encode_entry,
    encode_statement,
    genesis_hash,
    log_id,
    signed_bytes,
)
from ledger.errors import EncodingError
from ledger.events import Event
from ledger.signing import is_signed_by
from tests.ledger.values import ORIGIN, Author, entries, flip, hash32, statements

alice = Author()


def an_entry(**fields: Any) -> Entry:
    return replace(alice.entry(5, hash32("before")), **fields)


def test_a_statement_lies_as_the_layout_says():
    statement = alice.statement(subject_tag=b"S" * 32, wraps_hash=b"W" * 32)
    assert encode_statement(statement) == (
        statement.statement_id
        + (7).to_bytes(4, "big")
        + (20).to_bytes(2, "big")
        + alice.signer.key_id
        + b"S" * 32
        + bytes([36])
        + statement.cid
        + b"W" * 32
        + ZERO32
        + ZERO32
        + bytes(2)
    )


def test_an_entry_lies_as_the_layout_says():
    entry = an_entry()
    statement = encode_statement(entry.statement)
    assert encode_entry(entry) == (
        b"AML1"
        + sha256(ORIGIN.encode()).digest()[:16]
        + (5).to_bytes(8, "big")
        + hash32("before")
        + entry.ts_ms.to_bytes(8, "big")
        + len(statement).to_bytes(2, "big")
        + statement
        + b"\x01"
        + (64).to_bytes(2, "big")
        + entry.signature
    )


def test_the_columns_of_the_table_find_their_slices_where_the_migration_expects_them():
    data = encode_entry(an_entry())
    assert data[20:28] == (5).to_bytes(8, "big")  # substring(bytes from 21 for 8)
    assert data[28:60] == hash32("before")
    assert data[70:86] == alice.statement(5).statement_id


def test_the_log_and_its_genesis_are_named_after_the_origin():
    assert genesis_hash(ORIGIN) == sha256(b"portal.example/ledger/2026").digest()
    assert log_id(ORIGIN) == genesis_hash(ORIGIN)[:16]


def test_the_author_signs_for_one_log_only():
    statement = alice.statement()
    signature = alice.sign(statement)
    data = encode_statement(statement)
    here = signed_bytes(log_id(ORIGIN), data)
    there = signed_bytes(log_id("other.example/ledger"), data)
    public_key = alice.signer.public_key
    assert is_signed_by(public_key, message=here, signature=signature)
    assert not is_signed_by(public_key, message=there, signature=signature)
    assert here.startswith(b"AML1-statement\n")


@given(statements)
def test_a_statement_is_read_as_it_was_written(statement: Statement):
    assert decode_statement(encode_statement(statement)) == statement


@given(entries)
def test_an_entry_is_read_as_it_was_written(entry: Entry):
    assert decode_entry(encode_entry(entry)) == entry


@given(entries, st.data())
def test_a_flipped_bit_is_refused_or_read_as_another_entry(entry: Entry, data):
    encoded = encode_entry(entry)
    changed = flip(encoded, data.draw(st.integers(0, len(encoded) * 8 - 1)))
    try:
        other = decode_entry(changed)
    except EncodingError:
        return
    assert other != entry
    assert encode_entry(other) == changed


@given(entries, st.data())
def test_a_truncated_entry_is_refused(entry: Entry, data):
    encoded = encode_entry(entry)
    with pytest.raises(EncodingError):
        decode_entry(encoded[: data.draw(st.integers(0, len(encoded) - 1))])


@given(entries, st.binary(min_size=1, max_size=40))
def test_trailing_data_is_refused(entry: Entry, tail: bytes):
    with pytest.raises(EncodingError):
        decode_entry(encode_entry(entry) + tail)
    with pytest.raises(EncodingError, match="not its own"):
        decode_statement(encode_statement(entry.statement) + tail)


@given(st.binary(max_size=600))
def test_noise_is_refused(noise: bytes):
    with pytest.raises(EncodingError):
        decode_entry(noise)
    with pytest.raises(EncodingError):
        decode_entry(b"AML1" + noise)


def test_a_value_for_a_hash_has_32_bytes_and_is_never_padded():
    for name in ("author_key_id", "subject_tag", "wraps_hash", "key_commit"):
        fields: dict[str, Any] = {name: b"short"}
        with pytest.raises(EncodingError, match=name):
            encode_statement(alice.statement(**fields))
    with pytest.raises(EncodingError, match="statement_id"):
        encode_statement(alice.statement(statement_id=b"x" * 17))


def test_numbers_outside_their_field_are_refused():
    for fields in ({"seq": -1}, {"seq": 2**63}, {"ts_ms": -1}, {"ts_ms": 2**64}):
        with pytest.raises(EncodingError, match=next(iter(fields))):
            encode_entry(an_entry(**fields))
    with pytest.raises(EncodingError, match="tenant"):
        encode_statement(alice.statement(tenant=2**31))


def test_unknown_versions_kinds_and_algorithms_are_refused():
    data = encode_entry(an_entry())
    statement = encode_statement(an_entry().statement)
    with pytest.raises(EncodingError, match="Version"):
        decode_entry(b"AML2" + data[4:])
    with pytest.raises(EncodingError, match="Kind 999"):
        decode_statement(statement[:20] + struct.pack(">h", 999) + statement[22:])
    with pytest.raises(EncodingError, match="algorithm 2"):
        decode_entry(data[:-67] + b"\x02" + data[-66:])


def test_a_statement_cut_short_is_refused():
    statement = encode_statement(alice.statement())
    with pytest.raises(EncodingError, match="too few"):
        decode_statement(statement[:184])
    with pytest.raises(EncodingError, match="inside its CID"):
        decode_statement(statement[:200])


def test_a_length_that_does_not_add_up_is_refused():
    data = encode_entry(an_entry())
    with pytest.raises(EncodingError, match="add up"):
        decode_entry(flip(data, (len(data) - 65) * 8))


def test_version_1_has_no_extension():
    statement = encode_statement(alice.statement())
    with pytest.raises(EncodingError, match="extension"):
        decode_statement(statement[:-2] + b"\x00\x03abc")


def test_a_cid_is_version_1_and_at_most_255_bytes():
    with pytest.raises(EncodingError, match="CIDv1"):
        encode_statement(alice.statement(cid=b"\x12\x20" + bytes(32)))
    with pytest.raises(EncodingError, match="longer"):
        encode_statement(alice.statement(cid=b"\x01" * 256))


def test_an_entry_is_at_most_65535_bytes():
    with pytest.raises(EncodingError, match="more than an entry"):
        decode_entry(encode_entry(an_entry()) + bytes(MAX_ENTRY_BYTES))


def test_every_kind_of_event_survives():
    for event in Event:
        data = encode_statement(alice.statement(kind=event))
        assert decode_statement(data).kind is event
