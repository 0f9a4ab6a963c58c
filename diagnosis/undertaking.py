"""Does claimed work so that it ends: in its effect, or in a failure that says why."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from diagnosis.errors import ClaimLost
from diagnosis.heart import heart_beating
from portal.errors import PortalError
from records.storage.errors import StorageError

logger = logging.getLogger(__name__)


@contextmanager
def undertaking(
    named: str,
    *,
    beat: Callable[[], None],
    give_up: Callable[[str], None],
    fault: str,
    mark: str,
    told: tuple[type[Exception], ...] = (),
) -> Iterator[None]:
    """Run the block while the worker's heart beats; whatever goes wrong is kept.

    Args:
        named: the work, for the log.
        beat: says that the worker lives.
        give_up: ends the work with a sentence, inside the handling of what was raised.
        fault: what did not succeed, where the reason is none of the user's.
        mark: what the user quotes then and staff find in the log.
        told: errors whose words are meant for the user, beside the portal's own.
    """
    for_the_user: tuple[type[Exception], ...] = (PortalError, StorageError, *told)
    try:
        with heart_beating(beat):
            yield
    except ClaimLost:
        _lost(named)
    except for_the_user as error:
        _end(named, give_up, str(error))
    except Exception:
        logger.exception("%s failed.", named)
        sentence = f"{fault} because of a fault on our side. Quote {mark} when you ask for help."
        _end(named, give_up, sentence)


def _end(named: str, give_up: Callable[[str], None], sentence: str) -> None:
    try:
        give_up(sentence)
    except ClaimLost:
        _lost(named)


def _lost(named: str) -> None:
    logger.info("%s was taken from this worker.", named)
