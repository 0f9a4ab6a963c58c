"""Moves data sets and their runs from state to state, by the tables alone."""

from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django_q.tasks import async_task

from diagnosis.errors import ClaimLost
from diagnosis.models import (
    SET_TRANSITIONS,
    TRANSITIONS,
    DataSet,
    SetRun,
    SetState,
    State,
)
from portal.row_security import UPKEEP, in_the_name_of

CHECK_SECONDS = 3600
"""Time limit of looking at one archive; a large one takes minutes."""


def move_set(data_set: DataSet, to: SetState, **changes: Any) -> None:
    """Change a data set that the caller has locked.

    Raises:
        ClaimLost: it is elsewhere by now.
    """
    if to not in SET_TRANSITIONS[SetState(data_set.state)]:
        raise ClaimLost(f"A data set that is {data_set.state} cannot become {to}.")
    _save(data_set, {"state": to, **changes})


def move_run(run: SetRun, to: State, **changes: Any) -> None:
    """Change a run that the caller has locked.

    Raises:
        ClaimLost: it is elsewhere by now.
    """
    if to not in TRANSITIONS[State(run.state)]:
        raise ClaimLost(f"A run that is {run.state} cannot become {to}.")
    _save(run, {"state": to, **changes})


def queue_check(data_set: DataSet) -> None:
    """Queue the hospital's own task when the transaction commits."""
    with in_the_name_of(UPKEEP):  # who sends a set may not change its row
        _save(data_set, {"queued_at": timezone.now()})
    set_id = str(data_set.pk)
    transaction.on_commit(
        lambda: async_task("diagnosis.tasks.check_set", set_id, timeout=CHECK_SECONDS),
        robust=True,  # the sweeper queues it again
    )


def queue_run(run: SetRun) -> None:
    """Queue the diagnosis service's task when the transaction commits."""
    _save(run, {"queued_at": timezone.now()})
    run_id = str(run.pk)
    transaction.on_commit(
        lambda: async_task(
            "diagnosis.tasks.grade_set", run_id, cluster=settings.GRADING_QUEUE
        ),
        robust=True,  # the sweeper queues it again
    )


def queue_validation(run: SetRun) -> None:
    """Queue the hospital's measuring of a finished run when the transaction commits.

    In the gpu cluster: drawing the plots brings torch along, which no other may hold.
    """
    _save(run, {"queued_at": timezone.now()})
    run_id = str(run.pk)
    transaction.on_commit(
        lambda: async_task(
            "diagnosis.tasks.validate_run",
            run_id,
            cluster="gpu",
            timeout=CHECK_SECONDS,
        ),
        robust=True,  # the sweeper queues it again
    )


def queue_comparison(run: SetRun) -> None:
    """Queue the next part of a direct grading when the transaction commits."""
    run_id = str(run.pk)
    transaction.on_commit(
        lambda: async_task("diagnosis.tasks.compare_run", run_id, cluster="gpu")
    )


def _save(row: DataSet | SetRun, changes: dict[str, Any]) -> None:
    for name, value in changes.items():
        setattr(row, name, value)
    row.save(update_fields=list(changes))
