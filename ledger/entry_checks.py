"""Holds entries against their rows: many at once by what they share, one with care."""

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from itertools import accumulate
from typing import Any

from ledger.encoding import (
    CID_V1,
    KINDS,
    MAGIC,
    MAX_CID_BYTES,
    MAX_U63,
    NO_EXTENSION,
    TAIL_BEFORE_SIGNATURE,
    Entry,
    decode_entry,
    genesis_hash,
    log_id,
)
from ledger.errors import EncodingError
from ledger.hashing import leaf_hash, leaf_hashes
from ledger.inspection_rows import Row, Span

# Where an entry's bytes hold what.
_PLACE, _PLACED = slice(20, 68), struct.Struct(">Q32sQ")  # seq, previous hash, ts_ms
_TIME, _STATEMENT, _KIND, _CID_LENGTH = 60, 70, 90, 156
_TAIL = 67  # sig_alg ‖ length ‖ signature
_NO_CID = 322  # an entry without one


@dataclass(frozen=True)
class Fault:
    """The first entry that cannot be trusted."""

    seq: int
    sentence: str


@dataclass(frozen=True)
class Edge:
    """How the log stands before the next entry."""

    size: int
    last_hash: bytes
    last_ts_ms: int


def genesis(origin: str) -> Edge:
    """The edge of an empty log."""
    return Edge(0, genesis_hash(origin), 0)


class EntryChecks:
    """Knows one log's entries."""

    def __init__(self, origin: str) -> None:
        self._log_id = log_id(origin)
        self._start = MAGIC + self._log_id

    def sound(self, edge: Edge, span: Span) -> tuple[list[bytes], list[bytes]] | None:
        """The bodies of a span with their leaf hashes, if all of it is in order.

        None says only that something is not: `fault` then says what. What passes here
        passes there.
        """
        bodies = _split(span)
        if not bodies or span.misfits or not self._are_entries(span.bodies, bodies):
            return None
        hashes = leaf_hashes(bodies)
        joined = b"".join(hashes)
        agrees = joined == span.leaf_hashes and _follow(edge, bodies, joined)
        return (bodies, hashes) if agrees else None

    def fault(self, edge: Edge, certified: int, row: Row) -> Fault | None:
        """What is wrong with a row that should come next.

        Where the chain breaks between two entries the earlier one is named, unless a
        signed checkpoint vouches for it: its successor holds another hash of it than
        it has.

        Args:
            edge: the log before the row.
            certified: how many entries a signed checkpoint vouches for.
            row: as the table holds it.
        """
        if row.seq != edge.size:
            return Fault(edge.size, f"Entry {edge.size} is missing.")
        return self._fault_inside(row) or _fault_before(edge, certified, row)

    def _are_entries(self, all_of_them: bytes, bodies: list[bytes]) -> bool:
        """Whether decode_entry would read each."""
        lengths = set(map(len, bodies))
        if len(lengths) == 1:
            return self._have_layout(lengths.pop(), all_of_them)
        return all(
            self._have_layout(length, b"".join([b for b in bodies if len(b) == length]))
            for length in lengths
        )

    def _have_layout(self, length: int, entries: bytes) -> bool:
        """Whether entries of one length have the layout; a stride picks a byte of each."""
        if not _NO_CID <= length <= _NO_CID + MAX_CID_BYTES:
            return False
        fixed = _fixed_bytes(self._start, length - _NO_CID)
        count = len(entries) // length
        kinds = zip(entries[_KIND::length], entries[_KIND + 1 :: length], strict=True)
        return (
            all(entries[at::length] == value * count for at, value in fixed)
            and {bytes(kind) for kind in set(kinds)} <= KINDS
            and max(entries[_TIME::length]) < 0x80
        )

    def _fault_inside(self, row: Row) -> Fault | None:
        seq = row.seq
        try:
            entry = decode_entry(row.data)
        except EncodingError as error:
            return Fault(seq, f"Entry {seq} cannot be read: {error}")
        if entry.log_id != self._log_id:
            return Fault(seq, f"Entry {seq} belongs to another log.")
        if leaf_hash(row.data) != row.leaf_hash:
            return Fault(seq, f"Entry {seq} does not have the hash in its row.")
        for column, value in _columns(entry).items():
            if getattr(row, column) != value:
                return Fault(
                    seq, f"Entry {seq} holds another {column} than was hashed."
                )
        return None


@cache
def _fixed_bytes(log: bytes, cid_length: int) -> list[tuple[int, bytes]]:
    """The bytes that every entry with a CID of this length has, each with its place.

    Args:
        log: with what every entry of the log starts, 20 bytes.
        cid_length: 0 to 255.
    """
    statement = _NO_CID - _TAIL - _STATEMENT + cid_length
    end = _NO_CID + cid_length - _TAIL - len(NO_EXTENSION)
    pieces = {
        0: log,
        _STATEMENT - 2: statement.to_bytes(2, "big"),
        _CID_LENGTH: bytes([cid_length]) + (CID_V1 if cid_length else b""),
        end: NO_EXTENSION + TAIL_BEFORE_SIGNATURE,
    }
    return [
        (start + place, bytes([value]))
        for start, piece in pieces.items()
        for place, value in enumerate(piece)
    ]


def _split(span: Span) -> list[bytes]:
    lengths = struct.unpack(f">{len(span.lengths) // 4}I", span.lengths)
    ends = list(accumulate(lengths))
    return [
        span.bodies[start:end] for start, end in zip([0, *ends], ends, strict=False)
    ]


def _follow(edge: Edge, bodies: list[bytes], hashes: bytes) -> bool:
    """Whether the numbers, the chain and the times go on from the edge."""
    placed = _PLACED.iter_unpack(b"".join([body[_PLACE] for body in bodies]))
    seqs, previous, times = zip(*placed, strict=True)
    end = edge.size + len(bodies)
    in_time = [edge.last_ts_ms, *times]
    return (
        end <= MAX_U63
        and seqs == tuple(range(edge.size, end))
        and b"".join(previous) == edge.last_hash + hashes[:-32]
        and in_time == sorted(in_time)
    )


def _fault_before(edge: Edge, certified: int, row: Row) -> Fault | None:
    if row.previous_hash != edge.last_hash:
        blamed = row.seq if certified == row.seq else row.seq - 1
        return Fault(
            blamed,
            f"Entry {blamed} was changed: the chain breaks between entries"
            f" {row.seq - 1} and {row.seq}.",
        )
    if row.ts_ms < edge.last_ts_ms:
        return Fault(row.seq, f"Entry {row.seq} is older than the entry before it.")
    return None


def _columns(entry: Entry) -> Mapping[str, Any]:
    statement = entry.statement
    return {
        "seq": entry.seq,
        "previous_hash": entry.previous_hash,
        "ts_ms": entry.ts_ms,
        "statement_id": statement.statement_id,
        "tenant": statement.tenant,
        "kind": statement.kind,
        "cid": statement.cid,
    }
