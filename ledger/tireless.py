"""Does one piece of work for as long as the site runs, again after every failure."""

from collections.abc import Callable
from threading import Event

import psycopg
from django.db import OperationalError

from ledger.errors import LedgerError

FIRST_RETRY_S = 0.5
LAST_RETRY_S = 30.0


class Tireless:
    """Retries with growing pauses; each trouble is one sentence, said once."""

    def __init__(self, *, stop: Event, say: Callable[[str], None], waits: str) -> None:
        self._stop = stop
        self._say = say
        self._waits = waits  # e.g. "The sequencer waits"
        self._said = ""
        self._retry_s = FIRST_RETRY_S

    def run(self, work: Callable[[], None]) -> None:
        """Do the work until stopped."""
        while not self._stop.is_set():
            try:
                work()
            except (psycopg.OperationalError, OperationalError) as error:
                self._fail("The database does not answer, trying again", error)
            except (psycopg.Error, LedgerError, OSError) as error:
                self._fail(self._waits, error)

    def goes_well(self, sentence: str) -> None:
        """Say so; the next failure is retried at once."""
        self.tell(sentence)
        self._retry_s = FIRST_RETRY_S

    def tell(self, sentence: str) -> None:
        """Say a sentence, unless it was the last one said."""
        if sentence != self._said:
            self._say(sentence)
        self._said = sentence

    def _fail(self, sentence: str, error: Exception) -> None:
        # PostgreSQL's further lines repeat the statement, which helps nobody here.
        lines = str(error).strip().splitlines() or [type(error).__name__]
        self.tell(f"{sentence}: {lines[0]}")
        self._stop.wait(self._retry_s)
        self._retry_s = min(self._retry_s * 2, LAST_RETRY_S)
