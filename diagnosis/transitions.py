"""Moves a job from state to state, by the table alone."""

from typing import Any

from django.db import transaction
from django.utils import timezone
from django_q.tasks import async_task

from diagnosis.errors import ClaimLost
from diagnosis.models import TRANSITIONS, GradingJob, State
from diagnosis.service import diagnosis_service
from ledger.events import Event
from portal.acting import Acting
from records.recording import Happening, record


def move(job: GradingJob, to: State, **changes: Any) -> None:
    """Change a row that the caller has locked."""
    check_transition(job, to)
    for name, value in changes.items():
        setattr(job, name, value)
    job.state = to
    job.save(update_fields=["state", *changes])


def check_transition(job: GradingJob, to: State) -> None:
    """Refuse a step that the table does not have.

    Raises:
        ClaimLost: the job is elsewhere by now.
    """
    if to not in TRANSITIONS[State(job.state)]:
        raise ClaimLost(f"A job that is {job.state} cannot become {to}.")


def queue(job: GradingJob) -> None:
    """Queue the task when the transaction commits; it carries one id, no more."""
    job_id = str(job.pk)
    job.queued_at = timezone.now()
    job.save(update_fields=["queued_at"])
    transaction.on_commit(
        lambda: async_task("diagnosis.tasks.grade", job_id, cluster="gpu")
    )


def record_about(job: GradingJob, event: Event, by: Acting | None) -> None:
    """Record what happened to a job, in the caller's transaction.

    Signed by the hospital for whoever did it, by the service where it was nobody.
    """
    if job.image.erasure_id:
        return  # nothing is recorded any more about what was erased
    author = job.institution if by else diagnosis_service()
    record(
        Happening(
            event=event,
            patient=job.image.patient,
            institution=job.institution,
            author=author.holder_id,
            by=by.user if by else None,
            document_id=job.image_id,
            metadata={"job": str(job.pk)},
        )
    )
