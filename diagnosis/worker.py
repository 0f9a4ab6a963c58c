"""Runs one grading job, from its claim to the sealed report."""

import logging
import traceback
from uuid import UUID

from diagnosis import graders
from diagnosis.actions.jobs import advance, beat, claim, fail, record_grade
from diagnosis.errors import ClaimLost
from diagnosis.heart import heart_beating
from diagnosis.imaging.decoding import decode
from diagnosis.models import GradingJob, State
from diagnosis.service import diagnosis_service
from diagnosis.shadowing import grade_beside
from portal.errors import PortalError
from portal.row_security import grading, in_the_name_of
from records.opening import unseal
from records.storage.errors import StorageError

logger = logging.getLogger(__name__)


def run(job_id: UUID) -> None:
    """Grade a job's image, unless somebody else does or it has ended.

    Whatever goes wrong ends in the job's own failure, with a sentence for the
    user, a traceback for staff and the same correlation id for both.
    """
    with in_the_name_of(grading(job_id)):
        _run(job_id)


def _run(job_id: UUID) -> None:
    job = claim(job_id=job_id)
    if job is None:
        return
    try:
        with heart_beating(lambda: beat(job=job)):
            _grade(job)
    except ClaimLost:
        logger.info("Job %s was taken from this worker.", job.correlation_id)
    except (PortalError, StorageError) as error:
        _give_up(job, str(error))
    except Exception:
        logger.exception("Job %s failed.", job.correlation_id)
        _give_up(
            job,
            "The image could not be graded because of a fault on our side."
            f" Quote {job.correlation_id} when you ask for help.",
        )


def _grade(job: GradingJob) -> None:
    content = unseal(job.copy, diagnosis_service().holder_id)
    pixels = decode(content).pixels
    advance(job=job, to=State.RUNNING)
    report = graders.active().grade(
        pixels,
        millimetres_per_pixel=job.millimetres_per_pixel,
        on_stage=lambda stage: beat(job=job, stage=stage),
    )
    advance(job=job, to=State.SAVING)
    record_grade(job=job, report=report.to_json(), model_version=report.model_version)
    grade_beside(pixels, report)


def _give_up(job: GradingJob, sentence: str) -> None:
    try:
        fail(job=job, sentence=sentence, traceback=traceback.format_exc())
    except ClaimLost:
        logger.info("Job %s was taken from this worker.", job.correlation_id)
