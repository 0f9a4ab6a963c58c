"""Signs the tree over what the log really holds."""

from collections.abc import Mapping
from typing import Any

import psycopg

from ledger import sequencer_sql as queries
from ledger.checkpoint import Checkpoint, parse_and_verify, sign
from ledger.encoding import genesis_hash, log_id
from ledger.errors import LedgerDamaged, LedgerError
from ledger.hashing import leaf_hash
from ledger.merkle import CompactRange
from ledger.signing import LogSigner

CHUNK = 2_000  # rows read at once
PREVIOUS_HASH = slice(28, 60)  # of an entry's bytes


class Certifier:
    """Follows one log, reading back every entry before its root is signed.

    Keeps the tree's right edge in memory; resume() rebuilds it and holds it against
    the last checkpoint, so that nothing is signed that contradicts it.
    """

    def __init__(
        self, connection: psycopg.Connection[Any], *, origin: str, signer: LogSigner
    ) -> None:
        self._connection = connection
        self._origin = origin
        self._signer = signer
        self._start_anew()

    @property
    def size(self) -> int:
        """How many entries have been read back."""
        return self._tree.size

    @property
    def last_hash(self) -> bytes:
        """Leaf hash of the last of them, 32 bytes; SHA-256(origin) before the first."""
        return self._last_hash

    def resume(self) -> None:
        """Take up the log where it was left, at whatever step that was.

        Raises:
            LedgerDamaged: the log no longer holds what it has signed.
            LedgerError: the database holds another log than the settings name.
        """
        stored = self._one(queries.ORIGIN)[0]
        if stored != self._origin:
            raise LedgerError(
                f"The database holds the log {stored}, the settings name"
                f" {self._origin}. Nothing is appended."
            )
        self._start_anew()
        latest = self._connection.execute(queries.LATEST_CHECKPOINT).fetchone()
        if latest is not None:
            self._rebuild(latest[0])
        self.certify({})

    def certify(self, entered: Mapping[int, bytes]) -> None:
        """Read back what is new in the log, hash it again, then sign its root.

        Args:
            entered: leaf hashes by sequence number, as computed before they were
                written; may be empty.

        Raises:
            LedgerDamaged: an entry is missing, changed, or does not continue the
                chain, or another root was signed for this size.
        """
        certified = self.size
        while rows := self._read_on(queries.ENTRIES):
            for seq, data in rows:
                hashed = leaf_hash(data)
                self._check_entry(seq, data, hashed, entered.get(seq, hashed))
                self._extend(seq, hashed)
        if self.size > certified:
            self._sign()

    def _start_anew(self) -> None:
        self._tree = CompactRange()
        self._last_hash = genesis_hash(self._origin)

    def _rebuild(self, note: str) -> None:
        signed = parse_and_verify(
            note, origin=self._origin, public_key=self._signer.public_key
        )
        while self.size < signed.size:
            rows = self._read_on(queries.LEAF_HASHES)
            for seq, hashed in rows[: signed.size - self.size]:
                self._extend(seq, hashed)
            if not rows:
                raise LedgerDamaged(
                    self.size,
                    f"The log has signed {signed.size} entries and holds"
                    f" {self.size}. Nothing is appended.",
                )
        if self._tree.root() != signed.root:
            raise LedgerDamaged(
                0,
                f"The first {signed.size} entries are not those the log has signed."
                " Nothing is appended; verify_ledger names the first bad one.",
            )

    def _check_entry(
        self, seq: int, data: bytes, hashed: bytes, expected: bytes
    ) -> None:
        if hashed != expected:
            raise LedgerDamaged(seq, f"Entry {seq} is not what was written.")
        if seq == self.size and data[PREVIOUS_HASH] != self._last_hash:
            raise LedgerDamaged(seq, f"Entry {seq} does not continue the chain.")

    def _extend(self, seq: int, hashed: bytes) -> None:
        if seq != self.size:
            raise LedgerDamaged(self.size, f"Entry {self.size} is missing.")
        self._tree.append(hashed)
        self._last_hash = hashed

    def _sign(self) -> None:
        size, root, log = self.size, self._tree.root(), log_id(self._origin)
        note = sign(Checkpoint(self._origin, size, root), self._signer)
        self._connection.execute(queries.SIGNED, [log, size, root, note])
        if self._one(queries.ROOT, [log, size])[0] != root:
            raise LedgerDamaged(
                size - 1, f"Another root was signed for {size} entries: a fork."
            )

    def _read_on(self, query: queries.Query) -> list[Any]:
        return self._connection.execute(query, [self.size, CHUNK]).fetchall()

    def _one(self, query: queries.Query, values: list[Any] | None = None) -> Any:
        row = self._connection.execute(query, values).fetchone()
        if row is None:
            raise LedgerError("The database lost a row that was just written.")
        return row
