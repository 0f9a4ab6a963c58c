"""What the background workers do for the records."""

import logging

from django_q.tasks import async_task

from portal.row_security import UPKEEP, in_the_name_of
from records.scrubbing import SHARE, scrub, share_of
from records.storage.errors import StoreUnavailable

SLICE_S = 20.0
"""Seconds at once, far below a task's time limit."""

log = logging.getLogger(__name__)


def scrub_storage(left: int | None = None) -> None:
    """Hash a share of what is stored again, slice by slice.

    Args:
        left: how many documents of tonight's share are left; all of it without.
    """
    try:
        with in_the_name_of(UPKEEP):
            wanted = share_of(SHARE) if left is None else left
            done = scrub(wanted, seconds=SLICE_S)
    except StoreUnavailable as error:
        # The next night looks at the same ones first.
        log.warning("The storage could not be scrubbed: %s", error)
        return
    if rest := wanted - done.looked_at if done.looked_at else 0:
        async_task("records.tasks.scrub_storage", rest)
