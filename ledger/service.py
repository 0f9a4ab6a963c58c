"""Keeps one sequencer at work for as long as the site runs."""

from collections.abc import Callable, Iterable
from threading import Event
from typing import Any

import psycopg
from django.db import OperationalError

from ledger import sequencer_sql as queries
from ledger.certifying import Promise
from ledger.errors import LedgerError
from ledger.sequencer import Sequencer

POLL_S = 0.2
TURN_S = 1.0
FIRST_RETRY_S = 0.5
LAST_RETRY_S = 30.0

Connection = psycopg.Connection[Any]


class Service:
    """Runs a sequencer, again after every failure, until it is told to stop.

    A damaged log is not appended to and not given up: it is looked at again at every
    retry, so that the site stays up and goes on once the log has been restored.
    """

    def __init__(
        self,
        *,
        connect: Callable[[], Connection],
        sequencer: Callable[[Connection, Connection], Sequencer],
        promises: Callable[[], Iterable[Promise]],
        stop: Event,
        say: Callable[[str], None],
    ) -> None:
        self._connect = connect
        self._sequencer = sequencer
        self._promises = promises
        self._stop = stop
        self._say = say
        self._said = ""
        self._retry_s = FIRST_RETRY_S

    def run(self) -> None:
        """Work until stopped; each failure is one sentence, said once."""
        while not self._stop.is_set():
            try:
                with self._connect() as connection, self._connect() as beside:
                    self._work(connection, beside)
            except (psycopg.OperationalError, OperationalError) as error:
                self._fail("The database does not answer, trying again", error)
            except (psycopg.Error, LedgerError, OSError) as error:
                self._fail("The sequencer waits", error)

    def _work(self, connection: Connection, beside: Connection) -> None:
        self._wait_for_turn(connection)
        if self._stop.is_set():
            return
        sequencer = self._sequencer(connection, beside)
        sequencer.resume(self._promises())
        self._tell(f"The sequencer is at work; the log holds {sequencer.size} entries.")
        self._retry_s = FIRST_RETRY_S
        while not self._stop.is_set():
            if not sequencer.drain():
                self._stop.wait(POLL_S)

    def _wait_for_turn(self, connection: Connection) -> None:
        """Hold the session's lock, which goes with the connection."""
        while not self._stop.is_set():
            row = connection.execute(queries.TAKE_TURN).fetchone()
            if row and row[0]:
                return
            self._tell("Another sequencer is at work; this one waits for its turn.")
            self._stop.wait(TURN_S)

    def _fail(self, sentence: str, error: Exception) -> None:
        # PostgreSQL's further lines repeat the statement, which helps nobody here.
        self._tell(f"{sentence}: {str(error).strip().splitlines()[0]}")
        self._stop.wait(self._retry_s)
        self._retry_s = min(self._retry_s * 2, LAST_RETRY_S)

    def _tell(self, sentence: str) -> None:
        if sentence != self._said:
            self._say(sentence)
        self._said = sentence
