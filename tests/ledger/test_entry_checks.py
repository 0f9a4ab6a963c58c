"""The fast look at thousands of entries finds what the careful look at each finds."""

import struct
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ledger.encoding import decode_entry, encode_entry, genesis_hash
from ledger.entry_checks import Edge, EntryChecks, Fault, genesis
from ledger.errors import EncodingError
from ledger.hashing import leaf_hash
from ledger.inspection_rows import Row, Span
from tests.ledger.values import ORIGIN, Author, flip

ALICE = Author()
CIDS = [b"", b"\x01\x55\x12\x20" + bytes(32), b"\x01" + bytes(254)]


def honest_rows(count: int = 9) -> list[Row]:
    """Rows with CIDs of three lengths, in an order that mixes them."""
    rows, previous = [], genesis_hash(ORIGIN)
    for seq in range(count):
        entry = ALICE.entry(seq, previous, cid=CIDS[seq * 2 % 3])
        data = encode_entry(entry)
        previous = leaf_hash(data)
        said = entry.statement
        rows.append(
            Row(
                seq,
                data,
                entry.previous_hash,
                previous,
                entry.ts_ms,
                said.statement_id,
                said.tenant,
                said.kind,
                said.cid,
            )
        )
    return rows


def span_of(rows: list[Row]) -> Span:
    """The rows as the database joins them (inspection_rows.SPANS)."""
    return Span(
        start=rows[0].seq,
        bodies=b"".join(row.data for row in rows),
        lengths=b"".join(struct.pack(">I", len(row.data)) for row in rows),
        leaf_hashes=b"".join(row.leaf_hash for row in rows),
        misfits=sum(map(is_misfit, rows)),
    )


def is_misfit(row: Row) -> bool:
    data = row.data
    columns = [
        (struct.pack(">q", row.seq), data[20:28]),
        (row.previous_hash, data[28:60]),
        (struct.pack(">q", row.ts_ms), data[60:68]),
        (row.statement_id, data[70:86]),
        (struct.pack(">i", row.tenant), data[86:90]),
        (struct.pack(">h", row.kind), data[90:92]),
        (row.cid, data[157 : 157 + max(len(data) - 322, 0)]),
    ]
    return len(row.leaf_hash) != 32 or any(a != b for a, b in columns)


def careful(rows: list[Row]) -> Fault | None:
    checks, edge = EntryChecks(ORIGIN), genesis(ORIGIN)
    for row in rows:
        if fault := checks.fault(edge, 0, row):
            return fault
        edge = Edge(edge.size + 1, row.leaf_hash, row.ts_ms)
    return None


def fast(rows: list[Row]) -> bool:
    return EntryChecks(ORIGIN).sound(genesis(ORIGIN), span_of(rows)) is not None


ROWS = honest_rows()


def changed(at: int, **columns: Any) -> list[Row]:
    return [*ROWS[:at], ROWS[at]._replace(**columns), *ROWS[at + 1 :]]


def test_an_honest_span_is_sound_to_both():
    assert careful(ROWS) is None
    assert fast(ROWS)
    bodies, hashes = EntryChecks(ORIGIN).sound(genesis(ORIGIN), span_of(ROWS)) or (
        [],
        [],
    )
    assert bodies == [row.data for row in ROWS]
    assert hashes == [row.leaf_hash for row in ROWS]


@given(st.integers(0, len(ROWS) - 1), st.data())
def test_one_flipped_bit_of_any_column_is_found_by_both(at: int, data):
    row = ROWS[at]
    name = data.draw(
        st.sampled_from(["data", "previous_hash", "leaf_hash", "statement_id", "cid"])
    )
    value = getattr(row, name)
    if not value:
        return
    bit = data.draw(st.integers(0, len(value) * 8 - 1))
    rows = changed(at, **{name: flip(value, bit)})
    assert careful(rows)
    assert not fast(rows)


@given(
    st.integers(0, len(ROWS) - 1),
    st.sampled_from(["seq", "ts_ms", "tenant", "kind"]),
    st.integers(-(2**15), 2**15 - 1),
)
def test_another_number_in_any_column_is_found_by_both(at: int, name: str, value: int):
    rows = changed(at, **{name: value})
    if rows == ROWS:
        return
    assert careful(rows)
    assert not fast(rows)


@given(st.integers(0, len(ROWS) - 1), st.integers(0, 500), st.integers(0, 255))
@example(at=3, place=60, value=0x80)  # a time that no bigint holds
@example(at=3, place=91, value=19)  # an unknown kind
@example(at=4, place=156, value=0)  # a CID that ends elsewhere
def test_a_body_rewritten_with_every_column_in_step_is_read_alike(
    at: int, place: int, value: int
):
    """A superuser changes a byte and everything that follows from it."""
    body = bytearray(ROWS[at].data)
    body[place % len(body)] = value
    rows = resealed(at, bytes(body))
    if rows is None:
        return
    assert (careful(rows) is None) == fast(rows)


def resealed(at: int, body: bytes) -> list[Row] | None:
    """The rows as they would be if this body had been entered and hashed."""
    rows, previous = list(ROWS[:at]), b""
    for seq, row in enumerate(ROWS[at:], start=at):
        data = body if seq == at else row.data[:28] + previous + row.data[60:]
        previous = leaf_hash(data)
        try:
            entry = decode_entry(data)
        except EncodingError:
            columns: dict[str, Any] = {}
        else:
            said = entry.statement
            columns = {
                "previous_hash": entry.previous_hash,
                "ts_ms": entry.ts_ms,
                "statement_id": said.statement_id,
                "tenant": said.tenant,
                "kind": said.kind,
                "cid": said.cid,
            }
        rows.append(row._replace(data=data, leaf_hash=previous, **columns))
    return rows


@pytest.mark.parametrize("cut", [slice(0, 0), slice(2, 3), slice(0, 1), slice(8, 9)])
def test_missing_rows_are_found_by_both(cut: slice):
    left = [row for row in ROWS if row not in ROWS[cut]]
    if left == ROWS:
        assert fast(left)
        return
    is_tail = left == ROWS[: len(left)]
    assert (careful(left) is None) == is_tail
    assert fast(left) == is_tail


def test_an_entry_that_goes_back_in_time_is_found_by_both():
    entry = decode_entry(ROWS[5].data)
    data = encode_entry(replace(entry, ts_ms=entry.ts_ms - 10))
    rows = resealed(5, data)
    assert rows
    assert careful(rows) == Fault(5, "Entry 5 is older than the entry before it.")
    assert not fast(rows)


def test_another_log_s_span_is_not_this_one_s():
    checks = EntryChecks("other.example/log")
    assert checks.sound(genesis("other.example/log"), span_of(ROWS)) is None
    assert checks.sound(genesis(ORIGIN), span_of(ROWS)) is None


@given(st.integers(0, 8), st.integers(0, 8))
def test_bytes_moved_from_one_row_s_column_to_the_next_are_found(at: int, moved: int):
    """All columns in a row stay the same to the letter."""
    if at + 1 >= len(ROWS) or not moved:
        return
    head, rest = ROWS[at].statement_id[:-moved], ROWS[at].statement_id[-moved:]
    rows = changed(at, statement_id=head)
    rows[at] = rows[at]._replace(cid=rest + rows[at].cid)
    assert not fast(rows)
    assert careful(rows)
