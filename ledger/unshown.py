"""Remembers which logs have not shown their growth, and since when."""

from datetime import datetime

from django.core.cache import cache
from django.utils import timezone

KEY = "ledger-unshown"
FOR_S = 24 * 3600


def unshown() -> dict[str, tuple[datetime, str]]:
    """By origin: since when a log has not shown that it grew, with the reason."""
    found: dict[str, tuple[datetime, str]] = cache.get(KEY) or {}
    return found


def remember(troubles: dict[str, str]) -> None:
    """Keep what the last look has found; a log that is not named has shown it.

    Args:
        troubles: by origin, why it could not be shown.
    """
    before, now = unshown(), timezone.now()
    since = {log: before[log][0] if log in before else now for log in troubles}
    cache.set(KEY, {log: (since[log], why) for log, why in troubles.items()}, FOR_S)
