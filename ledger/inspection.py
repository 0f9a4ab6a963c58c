"""Re-derives the whole log from its rows."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import psycopg
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from psycopg import IsolationLevel

from ledger.checkpoint import parse_and_verify
from ledger.encoding import Entry, decode_entry, genesis_hash, log_id
from ledger.errors import EncodingError, NoteRejected
from ledger.hashing import leaf_hash
from ledger.merkle import CompactRange

CHUNK = 2_000  # rows on their way at once; memory stays flat

ROWS = """
    SELECT seq, bytes, previous_hash, leaf_hash, ts_ms, statement_id, tenant, kind,
           author_key_id, subject_tag, cid
    FROM ledger.entry ORDER BY seq
"""
CHECKPOINTS = "SELECT log_id, size, root, note FROM ledger.checkpoint ORDER BY size"


class Row(NamedTuple):
    """An entry as the table holds it."""

    seq: int
    data: bytes
    previous_hash: bytes
    leaf_hash: bytes
    ts_ms: int
    statement_id: bytes
    tenant: int
    kind: int
    author_key_id: bytes
    subject_tag: bytes
    cid: bytes


class Promise(NamedTuple):
    """A checkpoint as the table holds it."""

    log_id: bytes
    size: int
    root: bytes
    note: str


@dataclass(frozen=True)
class Fault:
    """The first entry that cannot be trusted."""

    seq: int
    sentence: str


@dataclass(frozen=True)
class Report:
    """What an inspection found."""

    entries: int  # read and found intact
    certified: int  # of these, under a signed checkpoint that agrees
    checkpoints: int  # that agree
    fault: Fault | None = None


def inspect(
    connection: psycopg.Connection[Any], *, origin: str, public_key: Ed25519PublicKey
) -> Report:
    """Check chain, tree, columns and checkpoints, up to the first fault.

    Reads one snapshot, so that a sequencer may go on meanwhile. Where the chain
    breaks between two entries the earlier one is named, unless a signed checkpoint
    vouches for it: its successor holds another hash of it than it has.

    Args:
        connection: in autocommit; may read the ledger.
        origin: the log's name.
        public_key: with which its checkpoints are signed.
    """
    connection.isolation_level = IsolationLevel.REPEATABLE_READ
    connection.read_only = True
    with connection.transaction():
        inspector = Inspector(_promises(connection), origin, public_key)
        fault = inspector.first_fault(_rows(connection))
    intact = min(inspector.size, fault.seq) if fault else inspector.size
    return Report(intact, inspector.certified, inspector.agreeing, fault)


class Inspector:
    """Follows the rows in order, holding each against everything that binds it."""

    def __init__(
        self, promises: Iterator[Promise], origin: str, public_key: Ed25519PublicKey
    ) -> None:
        self.certified = 0
        self.agreeing = 0
        self._promises = promises
        self._promise = next(promises, None)
        self._origin = origin
        self._log_id = log_id(origin)
        self._public_key = public_key
        self._tree = CompactRange()
        self._last_hash = genesis_hash(origin)
        self._last_ts_ms = 0

    @property
    def size(self) -> int:
        """How many entries were found intact."""
        return self._tree.size

    def first_fault(self, rows: Iterator[Row]) -> Fault | None:
        """The first disagreement between the rows, or None where all agree."""
        broken = self._broken_promise()
        for row in rows:
            fault = self._fault_at(row)
            if broken or fault:
                return self._more_precise(broken, fault)
            self._tree.append(row.leaf_hash)
            self._last_hash, self._last_ts_ms = row.leaf_hash, row.ts_ms
            # Held back by one row: the next entry's previous hash may name the very one.
            broken = self._broken_promise()
        return broken or self._missing_tail()

    def _fault_at(self, row: Row) -> Fault | None:
        if row.seq != self.size:
            return Fault(self.size, f"Entry {self.size} is missing.")
        return self._fault_inside(row) or self._fault_before(row)

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

    def _fault_before(self, row: Row) -> Fault | None:
        if row.previous_hash != self._last_hash:
            blamed = row.seq if self.certified == row.seq else row.seq - 1
            return Fault(
                blamed,
                f"Entry {blamed} was changed: the chain breaks between entries"
                f" {row.seq - 1} and {row.seq}.",
            )
        if row.ts_ms < self._last_ts_ms:
            return Fault(row.seq, f"Entry {row.seq} is older than the entry before it.")
        return None

    def _broken_promise(self) -> Fault | None:
        """Hold the tree against the checkpoint of exactly this size, if there is one."""
        while (promise := self._promise) and promise.size == self.size:
            if fault := self._fault_in(promise):
                return fault
            self.certified, self.agreeing = self.size, self.agreeing + 1
            self._promise = next(self._promises, None)
        return None

    def _fault_in(self, promise: Promise) -> Fault | None:
        size, first = promise.size, self.certified
        try:
            signed = parse_and_verify(
                promise.note, origin=self._origin, public_key=self._public_key
            )
        except NoteRejected as error:
            return Fault(first, f"The checkpoint at {size} is false: {error}")
        if (signed.size, signed.root, self._log_id) != (
            size,
            promise.root,
            promise.log_id,
        ):
            return Fault(first, f"The checkpoint at {size} is not the one signed.")
        if signed.root != self._tree.root():
            return Fault(
                first,
                f"Entries {first} to {size - 1} are not those that were signed: at"
                " least one was changed.",
            )
        return None

    def _more_precise(self, broken: Fault | None, fault: Fault | None) -> Fault | None:
        """A broken promise names a span; a fault within the span says where."""
        if broken and fault and fault.seq < self.size:
            return fault
        return broken or fault

    def _missing_tail(self) -> Fault | None:
        if self._promise is None:
            return None
        return Fault(
            self.size,
            f"Entry {self.size} is missing: {self._promise.size} entries were signed.",
        )


def _columns(entry: Entry) -> dict[str, Any]:
    statement = entry.statement
    return {
        "seq": entry.seq,
        "previous_hash": entry.previous_hash,
        "ts_ms": entry.ts_ms,
        "statement_id": statement.statement_id,
        "tenant": statement.tenant,
        "kind": statement.kind,
        "author_key_id": statement.author_key_id,
        "subject_tag": statement.subject_tag,
        "cid": statement.cid,
    }


def _rows(connection: psycopg.Connection[Any]) -> Iterator[Row]:
    with connection.cursor("ledger_rows") as cursor:
        cursor.itersize = CHUNK
        yield from map(Row._make, cursor.execute(ROWS))


def _promises(connection: psycopg.Connection[Any]) -> Iterator[Promise]:
    with connection.cursor("ledger_checkpoints") as cursor:
        cursor.itersize = CHUNK
        yield from map(Promise._make, cursor.execute(CHECKPOINTS))
