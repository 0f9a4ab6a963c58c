"""Moves a job from state to state, by the table alone."""

from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django_q.tasks import async_task

from diagnosis.errors import ClaimLost
from diagnosis.models import TRANSITIONS, GradingJob, State
from diagnosis.models.grading_job import UNFINISHED
from diagnosis.service import diagnosis_service
from ledger.events import Event
from portal.acting import Acting
from portal.errors import Refused
from records.models import Document
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
    """Queue the task when the transaction commits; it carries one id, no more.

    Where the queue cannot be reached the job waits, and the sweeper queues it again.
    """
    job_id = str(job.pk)
    job.queued_at = timezone.now()
    job.save(update_fields=["queued_at"])
    transaction.on_commit(
        lambda: async_task(
            "diagnosis.tasks.grade", job_id, cluster=settings.GRADING_QUEUE
        ),
        robust=True,
    )


def start_again(job: GradingJob, by: Acting) -> None:
    """Queue a failed job as if it were new, and record who wanted it.

    Raises:
        Refused: it has not failed, or the frame is being graded.
    """
    check_not_being_graded(job.image, job.frame)
    held = GradingJob.objects.select_for_update().get(pk=job.pk)
    if held.state != State.FAILED:
        raise Refused("Only a job that failed can be tried again.")
    move(
        held,
        State.QUEUED,
        requested_at=timezone.now(),
        claim=None,
        attempts=0,
        failure="",
        traceback="",
        stage="",
        ended_at=None,
    )
    record_about(held, Event.GRADING_REQUESTED, by)
    queue(held)


def check_not_being_graded(image: Document, frame: int) -> None:
    """Refuse a second job; who asks at the same moment waits here, then finds the other's.

    Raises:
        Refused: the frame is being graded.
    """
    # The patient first, as everybody who locks both.
    image.patient.hold_readers()
    Document.objects.select_for_update(no_key=True).get(pk=image.pk)
    jobs = GradingJob.objects.filter(image=image, frame=frame, state__in=UNFINISHED)
    if jobs.exists():
        raise Refused("This image is being graded already.")


def record_about(job: GradingJob, event: Event, by: Acting | None) -> None:
    """Record what happened to a job, in the caller's transaction.

    Signed by the hospital for whoever did it there, else by the service.
    """
    if job.image.erasure_id:
        return  # nothing is recorded any more about what was erased
    at_home = by is not None and by.institution == job.institution
    author = job.institution if at_home else diagnosis_service()
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
