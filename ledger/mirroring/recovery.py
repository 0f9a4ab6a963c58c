"""Brings a database that was restored from a backup up to what the log has signed."""

from collections.abc import Sequence
from typing import Any

import psycopg

from ledger import sequencer_sql as queries
from ledger.certifying import Certifier, Promise
from ledger.checkpoint import Checkpoint, parse_and_verify
from ledger.cosignature import cosignatures
from ledger.encoding import log_id
from ledger.errors import HeadUnknown, LedgerBehind, LedgerDamaged
from ledger.head_guard import HeadGuard
from ledger.mirroring.remote_log import RemoteLog
from ledger.note import split_note
from ledger.tiles import TiledTree
from ledger.verifier_key import VerifierKey


class Recovery:
    """Takes one log's missing entries from a mirror, all of them or none."""

    def __init__(
        self,
        connection: psycopg.Connection[Any],
        *,
        certifier: Certifier,
        guard: HeadGuard,
        key: VerifierKey,
        witnesses: Sequence[VerifierKey] = (),
        promises: Sequence[Promise] = (),
    ) -> None:
        """Prepare it.

        Args:
            connection: in autocommit, holding the sequencer's turn.
            certifier: of the log, on the same connection.
            guard: which remembers the last signed head.
            key: with which the log signs.
            witnesses: whose cosignatures are taken over.
            promises: what witnesses hold of the log.
        """
        self._connection = connection
        self._certifier = certifier
        self._guard = guard
        self._key = key
        self._witnesses = witnesses
        self._promises = promises

    def fetch(self, remote: RemoteLog) -> int:
        """Take what is missing from a mirror, then sign for it.

        Returns:
            How many entries were missing.

        Raises:
            LedgerBehind: the mirror does not hold all that was signed.
            LedgerDamaged: the log has signed something else than the mirror holds.
            RemoteDamaged: the mirror's entries do not continue this database, or are
                not what they should be.
            PartyUnreachable: the mirror does not answer, or does not admit this log.
        """
        tree = self._certifier.read()
        start = tree.size
        head, note = remote.head()
        kept = self._kept()
        if kept and kept.size > max(head.size, start):
            raise LedgerBehind(
                max(head.size, start),
                f"This site has signed {kept.size} entries, and only {head.size} are to"
                " be had there. Nothing was taken. Ask a mirror that holds more.",
            )
        if head.size >= start:
            self._take(remote, tree, head, note)
        if kept is None and (newest := self._signed_note()):
            # The mirror is believed to be the newest: that is why it was asked.
            self._certifier.read()
            self._certifier.hold_against([Promise("The mirror", note)])
            self._guard.swap(expected=None, note=newest)
        self._certifier.resume([Promise("The mirror", note), *self._promises])
        return max(head.size - start, 0)

    def _take(
        self, remote: RemoteLog, tree: TiledTree, head: Checkpoint, note: str
    ) -> None:
        kept = self._kept()
        promised = remote.promised(tree, head, roots_at={kept.size} if kept else ())
        if kept and promised.roots.get(kept.size, kept.root) != kept.root:
            raise LedgerDamaged(
                tree.size,
                f"This site has signed another history of {kept.size} entries than the"
                " mirror holds. Nothing was taken.",
            )
        with self._connection.transaction():
            for at, bodies, _ in remote.entries(promised):
                self._connection.execute(queries.ENTER, [at, bodies])
            self._keep(head, note)

    def accept_database(self) -> int:
        """Believe this database, where nothing else remembers the log's head.

        Returns:
            How many entries it holds.

        Raises:
            HeadUnknown: something does remember; this is not the way then.
        """
        if self._guard.read() is not None:
            raise HeadUnknown(
                "The file with the last signed head is there, so the database need not"
                " be believed: start the sequencer, or recover from a mirror."
            )
        size = self._certifier.read().size
        if note := self._signed_note():
            self._guard.swap(expected=None, note=note)
        self._certifier.resume(self._promises)
        return size

    def _signed_note(self) -> str:
        """The last checkpoint in the database; nothing where there is none."""
        latest = self._connection.execute(queries.LATEST_CHECKPOINT).fetchone()
        return str(latest[0]) if latest else ""

    def _kept(self) -> Checkpoint | None:
        note = self._guard.read()
        return self._verified(note) if note else None

    def _verified(self, note: str) -> Checkpoint:
        return parse_and_verify(
            note, origin=self._key.name, public_key=self._key.public_key
        )

    def _keep(self, head: Checkpoint, note: str) -> None:
        """Keep the mirror's checkpoint, with what witnesses have said about it."""
        text, signatures = split_note(note)
        own = {
            s.line
            for s in signatures
            if (s.name, s.key_id) == (self._key.name, self._key.key_id)
        }
        signed = f"{text}\n{''.join(sorted(own))}"
        log = log_id(head.origin)
        values = [log, head.size, head.root, signed]
        self._connection.execute(queries.SIGNED, values)
        for said in cosignatures(note, self._witnesses):
            values = [log, head.size, said.name, said.key_id, said.time, said.line]
            self._connection.execute(queries.COSIGN, values)
