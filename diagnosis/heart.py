"""Says every few seconds that a worker lives, while its own thread is busy."""

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from django.db import DatabaseError, connection

from diagnosis.errors import ClaimLost
from portal.row_security import in_the_name_of, party

logger = logging.getLogger(__name__)
BEAT_SECONDS = 5.0


@contextmanager
def heart_beating(beat: Callable[[], None]) -> Iterator[None]:
    """Call ``beat`` from a thread of its own, in the same name, until the block ends.

    The thread has its own database connection, which is closed with it. It ends by
    itself when the claim is lost.
    """
    stopped, who = threading.Event(), party()

    def beating() -> None:
        try:
            with in_the_name_of(who):
                while not stopped.wait(BEAT_SECONDS):
                    _beat_once(beat)
        except ClaimLost:
            return
        finally:
            connection.close()

    thread = threading.Thread(target=beating, name="heartbeat", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stopped.set()
        thread.join()


def _beat_once(beat: Callable[[], None]) -> None:
    try:
        beat()
    except DatabaseError as error:
        # A database that restarts is heard again; a heart that stopped would not be.
        logger.warning("No beat: %s", error)
        connection.close()
