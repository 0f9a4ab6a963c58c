"""Asks for grades, moves jobs along, ends them once."""

import uuid
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone
from django_q.tasks import async_task

from diagnosis.errors import ClaimLost
from diagnosis.models import TRANSITIONS, GradingJob, State
from diagnosis.models.grading_job import ACTIVE, MAX_ATTEMPTS, SILENCE, UNFINISHED
from diagnosis.permissions import check_may_request_grade
from diagnosis.service import diagnosis_service
from ledger.events import Event
from portal.acting import Acting
from portal.errors import Refused
from records.actions.documents import NewDocument, add_document
from records.models import Document
from records.recording import Happening, record


@transaction.atomic
def request_grading(
    *, image: Document, frame: int, desensitised_png: bytes, by: Acting
) -> GradingJob:
    """Give the diagnosis service a desensitised copy and queue its grading.

    Who may: a doctor of a hospital that has the patient in care.
    Records: GRADING_REQUESTED, with the copy's CID (CID_H of the paper's Fig. 7).
    Effects: the copy is sealed for the service alone; the task is queued on commit.

    Raises:
        Refused: not allowed, or this frame is being graded already.
        KeyUnavailable, StoreUnavailable: nothing changed.
    """
    check_may_request_grade(by, image)
    _check_not_being_graded(image, frame)
    institution = by.institution or image.institution
    copy = add_document(
        patient=image.patient,
        institution=institution,
        by=by,
        new=NewDocument(
            kind=Document.Kind.SERVICE_COPY,
            name="image.png",
            media_type="image/png",
            content=[desensitised_png],
            about=image,
            event=Event.GRADING_REQUESTED,
            metadata={"frame": frame},
            readers=frozenset({diagnosis_service().holder_id}),
        ),
    )
    job = GradingJob.objects.create(
        image=image,
        frame=frame,
        copy=copy,
        institution=institution,
        requested_by=by.user,
    )
    _queue(job)
    return job


def claim(*, job_id: UUID) -> GradingJob | None:
    """Take a queued job for this worker alone.

    Who may: a worker of the gpu cluster.
    Records: nothing; the request is on the ledger already.

    Returns:
        the job with its claim, or None: somebody else has it, or it has ended.
    """
    token, now = uuid.uuid4(), timezone.now()
    with transaction.atomic():
        job = GradingJob.objects.select_for_update().filter(pk=job_id).first()
        if job is None or job.state != State.QUEUED:
            return None
        _set(
            job,
            State.PREPARING,
            claim=token,
            claimed_at=now,
            heard_at=now,
            attempts=job.attempts + 1,
            stage="",
        )
    return job


def advance(*, job: GradingJob, to: State, stage: str = "") -> None:
    """Say how far a claimed job is.

    Who may: the worker that holds the claim.
    Records: nothing.

    Raises:
        ClaimLost: the job was cancelled, or given to another worker.
    """
    _check_transition(GradingJob.objects.get(pk=job.pk), to)
    _update_claimed(job, state=to, stage=stage)


def beat(*, job: GradingJob, stage: str | None = None) -> None:
    """Say that the worker is alive.

    Who may: the worker that holds the claim.
    Records: nothing.

    Raises:
        ClaimLost: the job was cancelled, or given to another worker.
    """
    _update_claimed(job, **({} if stage is None else {"stage": stage}))


@transaction.atomic
def record_grade(*, job: GradingJob, report: bytes, model_version: str) -> Document:
    """Keep a report and end the job, once however often the task was delivered.

    Who may: the worker that holds the claim.
    Records: GRADE_RECORDED, signed by the diagnosis service, with the report's CID
        (CID_M of the paper's Fig. 7).
    Effects: the service's wrap of the copy is removed: it cannot open it again.

    Raises:
        ClaimLost: the job was cancelled or given to another worker; nothing is kept.
    """
    held = GradingJob.objects.select_for_update().get(pk=job.pk)
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
            metadata={"job": str(held.pk), "model": model_version},
            signed_by=diagnosis_service().holder_id,
        ),
    )
    held.copy.wraps.all().delete()
    _set(
        held,
        State.DONE,
        report=document,
        model_version=model_version,
        stage="",
        ended_at=timezone.now(),
    )
    return document


@transaction.atomic
def fail(*, job: GradingJob, sentence: str, traceback: str) -> None:
    """End a job that cannot be finished.

    Who may: the worker that holds the claim, or the sweeper.
    Records: GRADING_FAILED.

    Raises:
        ClaimLost: the job was cancelled or given to another worker.
    """
    held = GradingJob.objects.select_for_update().get(pk=job.pk)
    if held.claim != job.claim or held.is_finished:
        raise ClaimLost("Another worker has this job.")
    _set(
        held,
        State.FAILED,
        failure=sentence[:300],
        traceback=traceback,
        ended_at=timezone.now(),
    )
    _record(held, Event.GRADING_FAILED, None)


@transaction.atomic
def cancel(*, job: GradingJob, by: Acting) -> None:
    """Call a job off.

    Who may: a doctor who could have asked for it.
    Records: GRADING_CANCELLED.
    Effects: the service's wrap of the copy is removed: it cannot open it any more.

    Raises:
        Refused: not allowed, or the job is being saved or has ended.
    """
    check_may_request_grade(by, job.image)
    held = GradingJob.objects.select_for_update().get(pk=job.pk)
    if State.CANCELLED not in TRANSITIONS[State(held.state)]:
        raise Refused("It is too late to cancel: the result is there or being saved.")
    held.copy.wraps.all().delete()
    _set(held, State.CANCELLED, ended_at=timezone.now(), claim=None)
    _record(held, Event.GRADING_CANCELLED, by)


@transaction.atomic
def retry(*, job: GradingJob, by: Acting) -> None:
    """Queue a job again that failed.

    Who may: a doctor who could have asked for it.
    Records: GRADING_REQUESTED.

    Raises:
        Refused: not allowed, the job has not failed, or the frame is being graded.
    """
    check_may_request_grade(by, job.image)
    _check_not_being_graded(job.image, job.frame)
    held = GradingJob.objects.select_for_update().get(pk=job.pk)
    if held.state != State.FAILED:
        raise Refused("Only a job that failed can be tried again.")
    _set(
        held,
        State.QUEUED,
        claim=None,
        attempts=0,
        failure="",
        traceback="",
        stage="",
        ended_at=None,
    )
    _record(held, Event.GRADING_REQUESTED, by)
    _queue(held)


def sweep() -> int:
    """Give jobs of dead workers to living ones; too many tries end in failure.

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
    return swept


def _take_from_the_dead(job_id: UUID, silent_since: Any) -> int:
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
        _set(job, State.QUEUED, claim=None, stage="")
        _queue(job)
    return 1


def _check_not_being_graded(image: Document, frame: int) -> None:
    """Who asks at the same moment waits here, then finds the other's job."""
    Document.objects.select_for_update(no_key=True).get(pk=image.pk)
    jobs = GradingJob.objects.filter(image=image, frame=frame, state__in=UNFINISHED)
    if jobs.exists():
        raise Refused("This image is being graded already.")


def _queue(job: GradingJob) -> None:
    """Queue the task when the transaction commits; it carries one id, no more."""
    job_id = str(job.pk)
    transaction.on_commit(
        lambda: async_task("diagnosis.tasks.grade", job_id, cluster="gpu")
    )


def _set(job: GradingJob, to: State, **changes: Any) -> None:
    """Change a row that the caller has locked."""
    _check_transition(job, to)
    for name, value in changes.items():
        setattr(job, name, value)
    job.state = to
    job.save(update_fields=["state", *changes])


def _check_transition(job: GradingJob, to: State) -> None:
    if to not in TRANSITIONS[State(job.state)]:
        raise ClaimLost(f"A job that is {job.state} cannot become {to}.")


def _update_claimed(job: GradingJob, **changes: Any) -> None:
    """Change a row only while this worker holds it, without a lock."""
    held = GradingJob.objects.filter(pk=job.pk, claim=job.claim, state__in=ACTIVE)
    if not held.update(heard_at=timezone.now(), **changes):
        raise ClaimLost("Another worker has this job, or it was cancelled.")


def _record(job: GradingJob, event: Event, by: Acting | None) -> None:
    record(
        Happening(
            event=event,
            patient=job.image.patient,
            institution=job.institution,
            author=job.institution.holder_id,
            by=by.user if by else None,
            document_id=job.image_id,
            metadata={"job": str(job.pk)},
        )
    )
