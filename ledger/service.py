"""Keeps one sequencer at work for as long as the site runs."""

from collections.abc import Callable, Iterable
from contextlib import suppress
from queue import Empty, SimpleQueue
from threading import Event
from typing import Any

import psycopg

from ledger import sequencer_sql as queries
from ledger.certifying import Promise
from ledger.sequencer import Sequencer
from ledger.tireless import Tireless

POLL_S = 0.2
TURN_S = 1.0

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
        late: "SimpleQueue[Promise]",
        stop: Event,
        say: Callable[[str], None],
    ) -> None:
        self._connect = connect
        self._sequencer = sequencer
        self._promises = promises
        self._late = late
        self._broken: set[Promise] = set()
        self._stop = stop
        self._tireless = Tireless(stop=stop, say=say, waits="The sequencer waits")

    def run(self) -> None:
        """Work until stopped."""
        self._tireless.run(self._work)

    def _work(self) -> None:
        with self._connect() as connection, self._connect() as beside:
            wait_for_turn(connection, stop=self._stop, tell=self._tireless.tell)
            if self._stop.is_set():
                return
            sequencer = self._sequencer(connection, beside)
            sequencer.resume([*self._promises(), *self._broken])
            self._tireless.goes_well(
                f"The sequencer is at work; the log holds {sequencer.size} entries."
            )
            while not self._stop.is_set():
                self._hold(sequencer)
                sequencer.drain()
                self._stop.wait(POLL_S)

    def _hold(self, sequencer: Sequencer) -> None:
        """Hold the log against what witnesses have shown since the start.

        What it does not keep is remembered, should that witness fall silent.
        """
        with suppress(Empty):
            while True:
                promise = self._late.get_nowait()
                self._broken.add(promise)
                sequencer.hold_against([promise])
                self._broken.remove(promise)


def wait_for_turn(
    connection: Connection, *, stop: Event, tell: Callable[[str], None]
) -> None:
    """Hold the session's lock, which goes with the connection; or be stopped."""
    is_told = False
    while not stop.is_set():
        row = connection.execute(queries.TAKE_TURN).fetchone()
        if row and row[0]:
            return
        if not is_told:
            tell("Another sequencer is at work; this one waits for its turn.")
            is_told = True
        stop.wait(TURN_S)
