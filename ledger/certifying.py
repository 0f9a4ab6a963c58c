"""Signs the tree over what the log really holds."""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import psycopg

from ledger import sequencer_sql as queries
from ledger import tiles
from ledger.checkpoint import Checkpoint, parse_and_verify, sign
from ledger.encoding import genesis_hash, log_id
from ledger.errors import (
    HeadMoved,
    HeadUnknown,
    LedgerBehind,
    LedgerDamaged,
    LedgerError,
    NoteRejected,
)
from ledger.hashing import leaf_hashes
from ledger.head_guard import HeadGuard
from ledger.signing import LogSigner
from ledger.tile_rows import TileRows
from ledger.tiles import WIDTH, TiledTree

CHUNK = 2_000  # rows read at once
PREVIOUS_HASH = slice(28, 60)  # of an entry's bytes


class Promise(NamedTuple):
    """A checkpoint of this log that somebody has kept."""

    kept_by: str  # as a sentence names them
    note: str


class Certifier:
    """Follows one log, reading back every entry before its root is signed.

    Keeps the tree's right edge in memory; resume() rebuilds it and holds it against
    everything the log is known to have signed, so that nothing is signed that
    contradicts it.
    """

    def __init__(
        self,
        connection: psycopg.Connection[Any],
        *,
        origin: str,
        signer: LogSigner,
        guard: HeadGuard,
    ) -> None:
        self._connection = connection
        self._origin = origin
        self._signer = signer
        self._guard = guard
        self._head: str | None = None  # the note that the guard holds
        self._signed_size = 0
        self._start_anew(TiledTree())

    @property
    def size(self) -> int:
        """How many entries have been read back."""
        return self._tree.size

    @property
    def last_hash(self) -> bytes:
        """Leaf hash of the last of them, 32 bytes; SHA-256(origin) before the first."""
        return self._last_hash

    def resume(self, promises: Iterable[Promise] = ()) -> None:
        """Take up the log where it was left, at whatever step that was.

        Args:
            promises: the log's checkpoints as others have kept them.

        Raises:
            LedgerBehind: the log was signed further than the database holds it.
            LedgerDamaged: the log no longer holds what it has signed.
            HeadUnknown: the guard has forgotten, so nothing can be told.
            LedgerError: the database holds another log than the settings name.
        """
        self._check_holds()
        self.read()
        self._check_guard()
        self.hold_against(promises)
        self._sign_if_grown()

    def read(self) -> TiledTree:
        """Read what the database holds, whether or not the log was signed further.

        Returns:
            A copy of the tree.

        Raises:
            LedgerDamaged: the log no longer holds what this database has signed.
            LedgerError: the database holds another log than the settings name.
        """
        stored = self._one(queries.ORIGIN)[0]
        if stored != self._origin:
            raise LedgerError(
                f"The database holds the log {stored}, the settings name"
                f" {self._origin}. Nothing is appended."
            )
        held = [self._held()]
        latest = self._connection.execute(queries.CHECKPOINT_WITHIN, held).fetchone()
        self._rebuild(latest[0] if latest else None)
        self._read_back({})
        return self._tree.copy()

    def hold_against(self, promises: Iterable[Promise]) -> None:
        """Hold the log against checkpoints of it that others have kept.

        Raises:
            LedgerBehind: one of them covers more than the database holds.
            LedgerDamaged: one of them has another root: a fork.
            NoteRejected: one of them is not this log's.
        """
        for promise in promises:
            self._check(promise)

    def certify(self, entered: Mapping[int, bytes]) -> None:
        """Read back what is new in the log, hash it again, then sign its root.

        Args:
            entered: leaf hashes by sequence number, as computed before they were
                written; may be empty.

        Raises:
            LedgerDamaged: an entry is missing, changed, or does not continue the
                chain, or another root was signed for this size.
        """
        self._read_back(entered)
        self._sign_if_grown()

    def _start_anew(self, tree: TiledTree) -> None:
        self._tree = tree
        self._last_hash = genesis_hash(self._origin)

    def _rebuild(self, note: str | None) -> None:
        """Bring the tree to the last checkpoint, from the tiles as far as they reach."""
        signed = self._own(note) if note else None
        size = self._signed_size = signed.size if signed else 0
        tiled = self._one(queries.TILED)[0] * WIDTH
        start = min(tiled, size - size % WIDTH)
        self._start_anew(TiledTree.restored(start, self._rows().read))
        while self.size < size:
            rows = self._read_on(queries.LEAF_HASHES)[: size - self.size]
            self._check_unbroken([seq for seq, _ in rows])
            self._extend([hashed for _, hashed in rows])
        if signed and self._tree.root() != signed.root:
            raise LedgerDamaged(
                0,
                f"The first {size} entries are not those the log has signed."
                " Nothing is appended; verify_ledger names the first bad one.",
            )
        if size and size == start:
            self._last_hash = self._one(queries.LEAF_HASHES, [size - 1, 1])[1]

    def _check_holds(self) -> None:
        held, signed = self._held(), self._one(queries.SIGNED_SIZE)[0]
        if held < signed:
            raise LedgerBehind(
                held, f"The log has signed {signed} entries and holds {held}. {RECOVER}"
            )

    def _held(self) -> int:
        """One more than the last entry's number."""
        head = self._connection.execute(queries.HEAD).fetchone()
        return int(head[0]) if head else 0

    def _read_back(self, entered: Mapping[int, bytes]) -> None:
        while rows := self._read_on(queries.ENTRIES):
            self._check_unbroken([seq for seq, _ in rows])
            hashes = leaf_hashes(data for _, data in rows)
            before = self._last_hash
            for (seq, data), hashed in zip(rows, hashes, strict=True):
                if entered.get(seq, hashed) != hashed:
                    raise LedgerDamaged(seq, f"Entry {seq} is not what was written.")
                if data[PREVIOUS_HASH] != before:
                    raise LedgerDamaged(
                        seq, f"Entry {seq} does not continue the chain."
                    )
                before = hashed
            self._extend(hashes)

    def _check_unbroken(self, seqs: list[int]) -> None:
        missing = self.size
        for seq in seqs:
            if seq != missing:
                break
            missing += 1
        if missing != self.size + len(seqs) or not seqs:
            raise LedgerDamaged(missing, f"Entry {missing} is missing.")

    def _extend(self, hashes: list[bytes]) -> None:
        """Let the tree grow, storing the tiles that it fills."""
        if completed := self._tree.extend(hashes):
            rows = [(t.level, t.index, t.hashes, t.root) for t in completed]
            columns = [list(column) for column in zip(*rows, strict=True)]
            self._connection.execute(queries.TILES, columns)
        self._last_hash = hashes[-1]

    def _check_guard(self) -> None:
        self._head = self._guard.read()
        if self._head is None:
            if not self._signed_size:
                return
            raise HeadUnknown(
                "The file with the last signed head is gone, so nothing tells whether"
                " this database is the newest. Nothing is appended. Run recover_ledger"
                " --from a mirror, or --accept-database if you are sure."
            )
        try:
            self._own(self._head)
        except NoteRejected as error:
            raise HeadUnknown(
                f"{self._guard.path} holds no checkpoint of this log ({error}). Nothing"
                " is appended. Remove the file, then run recover_ledger."
            ) from error
        self._check(Promise("This site", self._head))

    def _check(self, promise: Promise) -> None:
        """Hold the log against one checkpoint that it has signed."""
        kept = self._own(promise.note)
        if kept.size > self.size:
            raise LedgerBehind(
                self.size,
                f"{promise.kept_by} holds a checkpoint of {kept.size} entries, this"
                f" database {self.size}: it was restored from a backup. {RECOVER}",
            )
        if kept.size and tiles.root(kept.size, self._rows().read) != kept.root:
            raise LedgerDamaged(
                0,
                f"{promise.kept_by} holds another root of the first {kept.size}"
                " entries, which this log has signed: a fork. Nothing is appended.",
            )

    def _sign_if_grown(self) -> None:
        while self.size > self._signed_size:
            self._follow_guard()
            if self.size > self._signed_size:
                self._try_to_sign()

    def _follow_guard(self) -> None:
        """See whether another process has signed since, and nothing that forks us."""
        note = self._guard.read()
        if note is None or note == self._head:
            self._head = note
            return
        if (size := self._own(note).size) > self.size:
            self._read_back({})
        self._check(Promise("This site", note))
        self._head, self._signed_size = note, max(self._signed_size, size)

    def _try_to_sign(self) -> None:
        size, root, log = self.size, self._tree.root(), log_id(self._origin)
        note = sign(Checkpoint(self._origin, size, root), self._signer)
        # The guard first: what dies in between is signed again, to the same bytes.
        try:
            self._guard.swap(expected=self._head, note=note)
        except HeadMoved:
            return
        self._head, self._signed_size = note, size
        self._connection.execute(queries.SIGNED, [log, size, root, note])
        if self._one(queries.ROOT, [log, size])[0] != root:
            raise LedgerDamaged(
                size - 1, f"Another root was signed for {size} entries: a fork."
            )

    def _own(self, note: str) -> Checkpoint:
        return parse_and_verify(
            note, origin=self._origin, public_key=self._signer.public_key
        )

    def _rows(self) -> TileRows:
        return TileRows(lambda query, values: self._fetch(query, values))

    def _fetch(self, query: queries.Query, values: Any) -> list[Any]:
        # In binary: as text, PostgreSQL would spell every byte out in hex.
        return self._connection.execute(query, values, binary=True).fetchall()

    def _read_on(self, query: queries.Query) -> list[Any]:
        return self._fetch(query, [self.size, CHUNK])

    def _one(self, query: queries.Query, values: list[Any] | None = None) -> Any:
        row = self._connection.execute(query, values).fetchone()
        if row is None:
            raise LedgerError("The database lost a row that was just written.")
        return row


RECOVER = "Nothing is appended until recover_ledger has fetched the missing ones."
