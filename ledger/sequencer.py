"""Turns queued statements into entries of the log."""

import time
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import psycopg
from psycopg import IsolationLevel

from ledger import sequencer_sql as queries
from ledger.certifying import Certifier
from ledger.encoding import (
    Entry,
    Statement,
    decode_statement,
    encode_entry,
    genesis_hash,
    log_id,
)
from ledger.errors import EncodingError, LedgerDamaged, LedgerError
from ledger.hashing import leaf_hash
from ledger.signing import LogSigner

BATCH = 2_000


class Queued(NamedTuple):
    """A row of the inbox."""

    id: int
    statement_id: bytes
    statement: bytes
    signature: bytes


class Head(NamedTuple):
    """Where the log ends."""

    size: int
    hash: bytes
    ts_ms: int


def now_ms() -> int:
    """Milliseconds since 1970 UTC."""
    return time.time_ns() // 1_000_000


class Sequencer:
    """Appends to one log through one connection, which is in autocommit.

    Several may run: a lock and the primary key keep them from harm, but one at a time
    does all the work.
    """

    def __init__(
        self,
        connection: psycopg.Connection[Any],
        *,
        origin: str,
        signer: LogSigner,
        clock: Callable[[], int] = now_ms,
    ) -> None:
        # The head must be read after the lock is held, in a snapshot of its own.
        connection.isolation_level = IsolationLevel.READ_COMMITTED
        self._connection = connection
        self._origin = origin
        self._clock = clock
        self._entered: dict[int, bytes] = {}
        self._certifier = Certifier(connection, origin=origin, signer=signer)

    @property
    def size(self) -> int:
        """How many entries are certified."""
        return self._certifier.size

    def resume(self) -> None:
        """Take up the log where it was left, at whatever step that was.

        Raises:
            LedgerDamaged: the log no longer holds what it has signed.
            LedgerError: the database holds another log than the settings name.
        """
        self._certifier.resume()

    def step(self) -> int:
        """Move one batch from the inbox to the log, then sign for it.

        Returns:
            How many statements left the inbox, at most 2,000.

        Raises:
            LedgerDamaged: the log no longer holds what it has signed.
        """
        if self._connection.execute(queries.IS_QUEUED).fetchone() is None:
            return 0
        taken = self.append_batch()
        self.certify()
        return taken

    def append_batch(self) -> int:
        """Enter one batch in one transaction; returns how many left the inbox."""
        with self._connection.transaction():
            self._connection.execute(queries.LOCK)
            head = self._head()
            self._check_continues(head)
            rows = self._connection.execute(queries.QUEUED, [BATCH])
            batch = [Queued(*row) for row in rows]
            entered = self._enter(head, list(self._sift(batch)))
            self._take_out(batch)
        self._entered = entered
        return len(batch)

    def certify(self) -> None:
        """Read back what was entered, then sign the root of the whole log."""
        self._certifier.certify(self._entered)
        self._entered = {}

    def _head(self) -> Head:
        row = self._connection.execute(queries.HEAD).fetchone()
        return Head(*row) if row else Head(0, genesis_hash(self._origin), 0)

    def _check_continues(self, head: Head) -> None:
        known = self._certifier
        moved = head.size == known.size and head.hash != known.last_hash
        if head.size < known.size or moved:
            raise LedgerDamaged(
                head.size,
                f"The log ends at {head.size} otherwise than it was signed at"
                f" {known.size}. Nothing is appended.",
            )

    def _sift(self, batch: list[Queued]) -> Iterator[tuple[Queued, Statement]]:
        """Yield what can be entered; set aside what would block the log for good."""
        ids = [queued.statement_id for queued in batch]
        replayed = {row[0] for row in self._connection.execute(queries.KNOWN, [ids])}
        for queued in batch:
            if queued.statement_id in replayed:
                self._refuse(queued, "The statement is already on the log.")
                continue
            try:
                statement = decode_statement(queued.statement)
            except EncodingError as error:
                self._refuse(queued, str(error))
            else:
                yield queued, statement

    def _refuse(self, queued: Queued, reason: str) -> None:
        self._connection.execute(queries.REFUSE, [*queued, reason])

    def _enter(
        self, head: Head, accepted: list[tuple[Queued, Statement]]
    ) -> dict[int, bytes]:
        """Write the entries; returns their leaf hashes by sequence number."""
        if not accepted:
            return {}
        log, previous = log_id(self._origin), head.hash
        ts_ms = max(self._clock(), head.ts_ms)
        entered, rows = {}, []
        for seq, (queued, statement) in enumerate(accepted, start=head.size):
            entry = Entry(log, seq, previous, ts_ms, statement, queued.signature)
            data = encode_entry(entry)
            rows.append(queries.columns(entry, data))
            entered[seq] = previous = leaf_hash(data)
        columns = [list(column) for column in zip(*rows, strict=True)]
        self._connection.execute(queries.ENTER, columns)
        return entered

    def _take_out(self, batch: list[Queued]) -> None:
        ids = [queued.id for queued in batch]
        removed = self._connection.execute(queries.TAKE_OUT, [ids]).rowcount
        if removed != len(batch):
            raise LedgerError("Someone else took statements out of the inbox.")
