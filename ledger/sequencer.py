"""Turns queued statements into entries of the log."""

import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import psycopg
from psycopg import IsolationLevel
from psycopg.errors import UniqueViolation

from ledger import sequencer_sql as queries
from ledger.certifying import Certifier, Promise
from ledger.encoding import (
    decode_statement,
    frame_entry,
    genesis_hash,
    is_statement,
    log_id,
)
from ledger.errors import EncodingError, LedgerDamaged
from ledger.hashing import leaf_hash

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
        certifier: Certifier,
        clock: Callable[[], int] = now_ms,
    ) -> None:
        # The head must be read after the lock is held, in a snapshot of its own.
        connection.isolation_level = IsolationLevel.READ_COMMITTED
        self._connection = connection
        self._log = log_id(origin)
        self._clock = clock
        self._certifier = certifier
        self._empty = Head(0, genesis_hash(origin), 0)
        self._known = self._empty
        self._entered: dict[int, bytes] = {}

    @property
    def size(self) -> int:
        """How many entries are certified."""
        return self._certifier.size

    def resume(self, promises: Iterable[Promise] = ()) -> None:
        """Take up the log where it was left, at whatever step that was.

        Args:
            promises: the log's checkpoints as others have kept them.

        Raises:
            LedgerError: as Certifier.resume(); nothing must be appended.
        """
        self._certifier.resume(promises)
        self._known = Head(self._certifier.size, self._certifier.last_hash, 0)

    def hold_against(self, promises: Iterable[Promise]) -> None:
        """Hold the log against what others have kept of it, found out since the start.

        Raises:
            LedgerError: as Certifier.hold_against(); nothing more must be appended.
        """
        self._certifier.hold_against(promises)

    def step(self) -> int:
        """Move one batch from the inbox to the log, then sign for it.

        Returns:
            How many statements left the inbox, at most 2,000.

        Raises:
            LedgerDamaged: the log no longer holds what it has signed.
        """
        if not self._is_queued():
            return 0
        taken = self.append_batch()
        self.certify()
        return taken

    def drain(self) -> int:
        """Move what is queued, signing for one batch while the next is appended.

        The certifier must have a connection of its own. Ends with a batch that is not
        full.

        Returns:
            How many statements left the inbox.

        Raises:
            LedgerDamaged: the log no longer holds what it has signed.
        """
        drained, signing = 0, None
        with ThreadPoolExecutor(1) as beside:
            while self._is_queued():
                taken = self.append_batch()
                drained += taken
                if signing:
                    signing.result()
                signing = beside.submit(self._certifier.certify, self._take_entered())
                if taken < BATCH:
                    # What came in meanwhile makes a batch that is worth its cost.
                    break
            if signing:
                signing.result()
        return drained

    def append_batch(self) -> int:
        """Enter one batch in one transaction; returns how many left the inbox."""
        with self._connection.transaction():
            self._connection.execute(queries.LOCK)
            head = self._head()
            self._check_continues(head)
            rows = self._connection.execute(queries.TAKE, [BATCH], binary=True)
            batch = sorted(map(Queued._make, rows.fetchall()))
            head, entered = self._enter_all(head, batch)
        self._known = head
        self._entered |= entered
        return len(batch)

    def certify(self) -> None:
        """Read back what was entered, then sign the root of the whole log."""
        self._certifier.certify(self._take_entered())

    def _take_entered(self) -> dict[int, bytes]:
        entered, self._entered = self._entered, {}
        return entered

    def _is_queued(self) -> bool:
        return self._connection.execute(queries.IS_QUEUED).fetchone() is not None

    def _head(self) -> Head:
        row = self._connection.execute(queries.HEAD).fetchone()
        return Head(*row) if row else self._empty

    def _check_continues(self, head: Head) -> None:
        known = self._known
        moved = head.size == known.size and head.hash != known.hash
        if head.size < known.size or moved:
            raise LedgerDamaged(
                head.size,
                f"The log ends at {head.size} otherwise than it was signed at"
                f" {known.size}. Nothing is appended.",
            )

    def _enter_all(
        self, head: Head, batch: list[Queued]
    ) -> tuple[Head, dict[int, bytes]]:
        """Enter what can be entered; set aside what would block the log for good."""
        readable = [queued for queued in batch if is_statement(queued.statement)]
        if len(readable) < len(batch):
            self._refuse_unreadable(batch)
        try:
            with self._connection.transaction():
                return self._enter(head, readable)
        except UniqueViolation:
            # Rare, so asked only now: which of them the log holds already.
            return self._enter(head, self._without_replayed(readable))

    def _refuse_unreadable(self, batch: list[Queued]) -> None:
        for queued in batch:
            try:
                decode_statement(queued.statement)
            except EncodingError as error:
                self._refuse(queued, str(error))

    def _without_replayed(self, batch: list[Queued]) -> list[Queued]:
        ids = [queued.statement_id for queued in batch]
        known = {row[0] for row in self._connection.execute(queries.KNOWN, [ids])}
        for queued in batch:
            if queued.statement_id in known:
                self._refuse(queued, "The statement is already on the log.")
        return [queued for queued in batch if queued.statement_id not in known]

    def _refuse(self, queued: Queued, reason: str) -> None:
        self._connection.execute(queries.REFUSE, [*queued, reason])

    def _enter(self, head: Head, batch: list[Queued]) -> tuple[Head, dict[int, bytes]]:
        """Write the entries; returns the new head with their leaf hashes."""
        if not batch:
            return head, {}
        previous, ts_ms = head.hash, max(self._clock(), head.ts_ms)
        rows, entered = [], {}
        for seq, queued in enumerate(batch, start=head.size):
            data = frame_entry(
                log=self._log,
                seq=seq,
                previous_hash=previous,
                ts_ms=ts_ms,
                statement=queued.statement,
                signature=queued.signature,
            )
            rows.append(data)
            entered[seq] = previous = leaf_hash(data)
        self._connection.execute(queries.ENTER, [head.size, rows])
        return Head(head.size + len(rows), previous, ts_ms), entered
