"""Runs one grading job, from its claim to the sealed report."""

import traceback
from uuid import UUID

from diagnosis import graders
from diagnosis.actions.jobs import advance, beat, claim, fail, record_grade
from diagnosis.imaging.decoding import decode
from diagnosis.models import GradingJob, State
from diagnosis.service import diagnosis_service
from diagnosis.shadowing import grade_beside
from diagnosis.undertaking import undertaking
from portal.row_security import grading, in_the_name_of
from records.opening import unseal


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
    with undertaking(
        f"Job {job.correlation_id}",
        beat=lambda: beat(job=job),
        give_up=lambda sentence: fail(
            job=job, sentence=sentence, traceback=traceback.format_exc()
        ),
        fault="The image could not be graded",
        mark=job.correlation_id,
    ):
        _grade(job)


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
