"""What workers do with jobs, each job ended once."""

import uuid
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from diagnosis.errors import ClaimLost
from diagnosis.grading.errors import ReportRejected
from diagnosis.grading.report import GradeReport
from diagnosis.homecoming import queue_homecoming
from diagnosis.models import TRANSITIONS, GradingJob, State
from diagnosis.models.grading_job import ACTIVE, LOST, MAX_ATTEMPTS, SILENCE
from diagnosis.service import diagnosis_service
from diagnosis.telling import tell_the_end
from diagnosis.transitions import move, queue, record_about
from ledger.events import Event
from records.actions.documents import NewDocument, add_document
from records.models import Document


def claim(*, job_id: UUID) -> GradingJob | None:
    """Take a queued job for this worker alone.

    Who may: a worker of the gpu cluster.
    Records: nothing; the request is on the ledger already.

    Returns:
        the job with its claim, or None: somebody else has it, or it has ended.
    """
    token, now = uuid.uuid4(), timezone.now()
    with transaction.atomic():
        job = _with_what_it_names().filter(pk=job_id).first()
        if job is None or job.state != State.QUEUED:
            return None
        move(
            job,
            State.PREPARING,
            claim=token,
            claimed_at=now,
            heard_at=now,
            attempts=job.attempts + 1,
            stage="",
            stage_at=now,
            stages=[],
        )
    return job


def advance(*, job: GradingJob, to: State, stage: str = "") -> None:
    """Say how far a claimed job is.

    Who may: the worker that holds the claim.
    Records: nothing.

    Raises:
        ClaimLost: the job was cancelled, or given to another worker.
    """
    before = [state for state, after in TRANSITIONS.items() if to in after]
    _enter(job, _held(job).filter(state__in=before), stage=stage, state=to)


def beat(*, job: GradingJob, stage: str | None = None) -> None:
    """Say that the worker is alive.

    Who may: the worker that holds the claim.
    Records: nothing.

    Raises:
        ClaimLost: the job was cancelled, or given to another worker.
    """
    if stage is None:
        _update(_held(job))
    else:
        _enter(job, _held(job), stage=stage)


@transaction.atomic
def record_grade(*, job: GradingJob, report: bytes, model_version: str) -> Document:
    """Keep a report and end the job, once however often the task was delivered.

    Who may: the worker that holds the claim.
    Records: GRADE_RECORDED, signed by the diagnosis service, with the report's CID
        (CID_M of the paper's Fig. 7).
    Effects: the service's wrap of the copy is removed: it cannot open it again. Who
        asked is notified.

    Raises:
        ClaimLost: the job was cancelled or given to another worker; nothing is kept.
        ReportRejected: these are not the bytes of a report of that version.
    """
    weights_sha256 = _weights_of(report, model_version)
    held = _with_what_it_names().get(pk=job.pk)
    if held.claim != job.claim or held.state != State.SAVING:
        raise ClaimLost("Another worker has this job.")
    document = add_document(
        patient=held.image.patient,
        institution=held.institution,
        by=None,
        new=NewDocument(
            kind=Document.Kind.GRADE_REPORT,
            name="grade.json",
            media_type="application/json",
            content=[report],
            about=held.image,
            event=Event.GRADE_RECORDED,
            metadata={
                "job": str(held.pk),
                "model": model_version,
                "weights": weights_sha256,
            },
            signed_by=diagnosis_service().holder_id,
        ),
    )
    held.copy.wraps.all().delete()
    now = timezone.now()
    move(
        held,
        State.DONE,
        report=document,
        model_version=model_version,
        weights_sha256=weights_sha256,
        stages=_stages(held, now),
        stage="",
        ended_at=now,
    )
    tell_the_end(held)
    queue_homecoming(document)
    return document


@transaction.atomic
def fail(*, job: GradingJob, sentence: str, traceback: str) -> None:
    """End a job that cannot be finished.

    Who may: the worker that holds the claim, or the sweeper.
    Records: GRADING_FAILED.
    Effects: the service keeps its wrap of the copy, so that the job can be retried.
        Who asked is notified.

    Raises:
        ClaimLost: the job was cancelled or given to another worker.
    """
    held = GradingJob.objects.select_for_update().get(pk=job.pk)
    if held.claim != job.claim or held.is_finished:
        raise ClaimLost("Another worker has this job.")
    move(
        held,
        State.FAILED,
        failure=sentence[:300],
        traceback=traceback,
        ended_at=timezone.now(),
    )
    record_about(held, Event.GRADING_FAILED, None)
    tell_the_end(held)


def sweep() -> int:
    """Give jobs of dead workers to living ones; too many tries end in failure.

    A job whose task was lost, because the web process died between the commit
    and the queue, gets another task.

    Who may: the scheduled task of the default cluster.
    Records: GRADING_FAILED for those given up.

    Returns:
        how many jobs were taken from dead workers.
    """
    silent_since = timezone.now() - SILENCE
    dead = GradingJob.objects.filter(state__in=ACTIVE, heard_at__lt=silent_since)
    swept = 0
    for job_id in list(dead.values_list("pk", flat=True)):
        with transaction.atomic():
            swept += _take_from_the_dead(job_id, silent_since)
    _queue_again()
    return swept


@transaction.atomic
def _queue_again() -> None:
    waiting = GradingJob.objects.select_for_update(skip_locked=True).filter(
        state=State.QUEUED, queued_at__lt=timezone.now() - LOST
    )
    for job in waiting:
        queue(job)


def _weights_of(report: bytes, model_version: str) -> str:
    """The digest of the weights that a report names; it must name the version too."""
    read = GradeReport.from_json(report)
    if not model_version or read.model_version != model_version:
        raise ReportRejected(
            f"The report is not one of {model_version or 'a version'}."
        )
    return read.weights_sha256


def _take_from_the_dead(job_id: UUID, silent_since: datetime) -> int:
    job = (
        GradingJob.objects.select_for_update(skip_locked=True)
        .filter(pk=job_id, state__in=ACTIVE, heard_at__lt=silent_since)
        .first()
    )
    if job is None:
        return 0
    if job.attempts >= MAX_ATTEMPTS:
        fail(
            job=job,
            sentence=f"The worker stopped {job.attempts} times while grading this image.",
            traceback="",
        )
    else:
        move(job, State.QUEUED, claim=None, stage="")
        queue(job)
    return 1


def _enter(job: GradingJob, held: QuerySet[GradingJob], **changes: Any) -> None:
    """Begin a stage, and say how long the one before took."""
    now = timezone.now()
    changes |= {"stage_at": now, "stages": _stages(job, now)}
    _update(held, **changes)
    for name, value in changes.items():
        setattr(job, name, value)


def _stages(job: GradingJob, now: datetime) -> list[list[Any]]:
    """The stages that are over, the one that runs now included."""
    began = job.stage_at or now
    return [*job.stages, [job.phase, round((now - began).total_seconds(), 4)]]


def _with_what_it_names() -> QuerySet[GradingJob]:
    """The rows, locked, each with its copy, image, patient and people in one query."""
    return GradingJob.objects.select_for_update(of=("self",)).select_related(
        "copy", "image__patient", "institution", "requested_by"
    )


def _held(job: GradingJob) -> QuerySet[GradingJob]:
    """The row, as long as this worker holds it."""
    return GradingJob.objects.filter(pk=job.pk, claim=job.claim, state__in=ACTIVE)


def _update(held: QuerySet[GradingJob], **changes: Any) -> None:
    """Change the row without a lock, if it is still held."""
    if not held.update(heard_at=timezone.now(), **changes):
        raise ClaimLost("Another worker has this job, or it was cancelled.")
