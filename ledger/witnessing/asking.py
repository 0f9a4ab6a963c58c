"""Has every new checkpoint of this log cosigned, without anything waiting for it."""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from threading import Event
from typing import Any, LiteralString

import psycopg

from ledger import sequencer_sql as queries
from ledger import tiles
from ledger.certifying import Promise
from ledger.checkpoint import Checkpoint, parse_and_verify
from ledger.cosignature import Cosignature
from ledger.encoding import log_id
from ledger.errors import (
    LedgerError,
    NoteRejected,
    PartyUnreachable,
    WitnessRefused,
)
from ledger.merkle import Path
from ledger.policy import Party, Policy
from ledger.signing import LogSigner
from ledger.tile_rows import TileRows
from ledger.witnessing.client import WitnessClient

POLL_S = 0.2
ROUND_S = 5.0  # a round that still lacks its quorum is given up after this
START_S = 3.0
FIRST_PAUSE_S = 1.0
LAST_PAUSE_S = 60.0

COSIGNED = """
    SELECT coalesce(max(size), 0) FROM ledger.cosignature
    WHERE witness = %s AND key_id = %s
"""
TOLD = """
    INSERT INTO ledger.contact (witness, asked_at, answered_at, trouble)
    VALUES (%(witness)s, now(), CASE WHEN %(trouble)s = '' THEN now() END, %(trouble)s)
    ON CONFLICT (witness) DO UPDATE SET asked_at = now(), trouble = %(trouble)s,
      answered_at = CASE WHEN %(trouble)s = '' THEN now()
                         ELSE ledger.contact.answered_at END
"""


class _Asked:
    """A witness with what this process remembers of it."""

    def __init__(self, client: WitnessClient) -> None:
        self.client = client
        self.pending: Future[tuple[int, Cosignature]] | None = None
        self._not_before = 0.0
        self._pause_s = FIRST_PAUSE_S

    @property
    def is_free(self) -> bool:
        return self.pending is None and time.monotonic() >= self._not_before

    def answer(self) -> tuple[int, Cosignature]:
        """What it has answered; a failure is raised, and makes it rarer asked."""
        pending, self.pending = self.pending, None
        if pending is None:
            raise ValueError("It was not asked.")
        try:
            answer = pending.result()
        except LedgerError:
            self._not_before = time.monotonic() + self._pause_s
            self._pause_s = min(self._pause_s * 2, LAST_PAUSE_S)
            raise
        self._pause_s = FIRST_PAUSE_S
        return answer


class Asker:
    """Asks the witnesses of one log, all for the same checkpoint.

    Different checkpoints would gather signatures without one of them ever having
    enough. A witness that is down, slow or lying is asked ever more rarely and holds
    nobody up: a round ends when the quorum is met.
    """

    def __init__(
        self,
        connection: psycopg.Connection[Any],
        *,
        origin: str,
        signer: LogSigner,
        policy: Policy,
        stop: Event,
        contradicted: Callable[[Promise], None] = lambda promise: None,
    ) -> None:
        """Get ready to ask.

        Args:
            connection: in autocommit, with the sequencer's login.
            origin: of the log.
            signer: with whose key the log signs.
            policy: whom to ask, how many are enough.
            stop: ends it.
            contradicted: told what a witness holds that refuses, if the log has signed
                it: the log must be held against it.
        """
        self._connection = connection
        self._origin = origin
        self._signer = signer
        self._policy = policy
        self._stop = stop
        self._contradicted = contradicted
        self._rows = TileRows(self._fetch)
        self._asked = [_Asked(self._client(w)) for w in policy.witnesses if w.url]

    def run(self, *, outdated: Callable[[], bool]) -> None:
        """Ask until stopped, or until the policy is another.

        Args:
            outdated: whether it is.

        Raises:
            psycopg.Error: the database does not answer.
            LedgerError: the log's own checkpoint cannot be read.
        """
        pool = ThreadPoolExecutor(len(self._asked) or 1)
        try:
            while not (self._stop.is_set() or outdated()):
                if not self.ask(pool):
                    self._stop.wait(POLL_S)
        finally:
            # Whoever is still being waited for holds up the end by seconds, not more.
            pool.shutdown(wait=False, cancel_futures=True)

    def ask(self, pool: ThreadPoolExecutor) -> bool:
        """Have the latest checkpoint cosigned; False where nobody was to be asked."""
        rows = self._fetch(queries.LATEST_CHECKPOINT, [])
        if not rows:
            return False
        note = rows[0][0]
        checkpoint = parse_and_verify(
            note, origin=self._origin, public_key=self._signer.public_key
        )
        self._collect()
        asked = [
            each
            for each in self._asked
            if each.is_free and each.client.cosigned < checkpoint.size
        ]
        for each in asked:
            each.pending = pool.submit(self._cosign, each.client, checkpoint, note)
        self._wait(checkpoint.size)
        return bool(asked)

    def _cosign(
        self, client: WitnessClient, checkpoint: Checkpoint, note: str
    ) -> tuple[int, Cosignature]:
        def path(old: int) -> Path:
            return tiles.consistency_path(old, checkpoint.size, self._rows.read)

        try:
            return checkpoint.size, client.cosign(checkpoint, note, path)
        except WitnessRefused:
            # It may hold what this log has signed and forgotten.
            if held := _held(client, self._origin, self._signer):
                self._contradicted(held)
            raise

    def _wait(self, size: int) -> None:
        """Until enough have cosigned this size, all have answered, or time is up."""
        deadline = time.monotonic() + ROUND_S
        while pending := [each.pending for each in self._asked if each.pending]:
            if self._stop.is_set() or time.monotonic() >= deadline:
                return
            wait(pending, timeout=POLL_S, return_when=FIRST_COMPLETED)
            self._collect()
            clients = [each.client for each in self._asked]
            met = {c.key.identity for c in clients if c.cosigned == size}
            if self._policy.needed and self._policy.is_met(met):
                return

    def _collect(self) -> None:
        """Keep what has been answered."""
        for each in self._asked:
            if each.pending is None or not each.pending.done():
                continue
            trouble = ""
            try:
                size, said = each.answer()
            except LedgerError as error:
                trouble = str(error)
            else:
                self._keep(size, said)
                each.client.cosigned = max(each.client.cosigned, size)
            told = {"witness": each.client.key.label, "trouble": trouble}
            self._connection.execute(TOLD, told)

    def _keep(self, size: int, said: Cosignature) -> None:
        log = log_id(self._origin)
        values = [log, size, said.name, said.key_id, said.time, said.line]
        self._connection.execute(queries.COSIGN, values)

    def _client(self, witness: Party) -> WitnessClient:
        rows = self._fetch(COSIGNED, list(witness.key.identity))
        return WitnessClient(key=witness.key, url=witness.url, cosigned=rows[0][0])

    def _fetch(self, query: LiteralString, values: Sequence[Any]) -> list[Any]:
        return self._connection.execute(query, values, binary=True).fetchall()


def promises(*, origin: str, signer: LogSigner, policy: Policy) -> list[Promise]:
    """This log's checkpoints as its witnesses hold them, as far as they answer.

    What the log itself has not signed is left out: a liar must not stop the log. Who
    stays silent is waited for three seconds.
    """
    clients = [WitnessClient(key=w.key, url=w.url) for w in policy.witnesses if w.url]
    pool = ThreadPoolExecutor(len(clients) or 1)
    held = [pool.submit(_held, client, origin, signer) for client in clients]
    answered, _ = wait(held, timeout=START_S)
    pool.shutdown(wait=False, cancel_futures=True)
    found = [future.result() for future in held if future in answered]
    return [promise for promise in found if promise]


def _held(client: WitnessClient, origin: str, signer: LogSigner) -> Promise | None:
    try:
        note = client.latest(origin)
        if note is None:
            return None
        parse_and_verify(note, origin=origin, public_key=signer.public_key)
    except (PartyUnreachable, NoteRejected):
        return None
    return Promise(client.key.name, note)
