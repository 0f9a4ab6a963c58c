"""What a doctor asks of the diagnosis service."""

from django.db import transaction
from django.utils import timezone

from diagnosis.models import TRANSITIONS, GradingJob, State
from diagnosis.permissions import check_may_request_grade, check_may_steer
from diagnosis.service import diagnosis_service
from diagnosis.transitions import (
    check_not_being_graded,
    move,
    queue,
    record_about,
    start_again,
)
from ledger.events import Event
from portal.acting import Acting
from portal.errors import Refused
from records.actions.documents import NewDocument, add_document
from records.models import Document


@transaction.atomic
def request_grading(
    *,
    image: Document,
    frame: int,
    desensitised_png: bytes,
    by: Acting,
    millimetres_per_pixel: tuple[float, float] | None = None,
) -> GradingJob:
    """Give the diagnosis service a desensitised copy and queue its grading.

    Who may: a doctor of a hospital that has the patient in care.
    Records: GRADING_REQUESTED, with the copy's CID (CID_H of the paper's Fig. 7).
    Effects: the copy is sealed for the service alone; the task is queued on commit.

    Args:
        image: what is graded.
        frame: which of its frames.
        desensitised_png: the frame as the service gets it, at its own size.
        by: who asks.
        millimetres_per_pixel: (x, y) of that frame, which a PNG does not tell; None
            where the image's file gives none.

    Raises:
        Refused: not allowed, or this frame is being graded already.
        KeyUnavailable, StoreUnavailable: nothing changed.
    """
    check_may_request_grade(by, image)
    check_not_being_graded(image, frame)
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
    across, down = millimetres_per_pixel or (None, None)
    job = GradingJob.objects.create(
        image=image,
        frame=frame,
        copy=copy,
        institution=institution,
        requested_by=by.user,
        millimetres_across=across,
        millimetres_down=down,
    )
    queue(job)
    return job


@transaction.atomic
def cancel(*, job: GradingJob, by: Acting) -> None:
    """Call a job off.

    Who may: a doctor of the hospital that asked for it.
    Records: GRADING_CANCELLED.
    Effects: the service's wrap of the copy is removed: it cannot open it any more.

    Raises:
        Refused: not allowed, or the job is being saved or has ended.
    """
    check_may_steer(by, job)
    held = GradingJob.objects.select_for_update().get(pk=job.pk)
    if State.CANCELLED not in TRANSITIONS[State(held.state)]:
        raise Refused("It is too late to cancel: the result is there or being saved.")
    held.copy.wraps.all().delete()
    move(held, State.CANCELLED, ended_at=timezone.now(), claim=None)
    record_about(held, Event.GRADING_CANCELLED, by)


@transaction.atomic
def retry(*, job: GradingJob, by: Acting) -> None:
    """Queue a job again that failed.

    Who may: a doctor of the hospital that asked for it.
    Records: GRADING_REQUESTED.

    Raises:
        Refused: not allowed, the job has not failed, or the frame is being graded.
    """
    check_may_steer(by, job)
    start_again(job, by)
