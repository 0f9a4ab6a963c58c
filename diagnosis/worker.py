"""Runs one grading job, from its claim to the sealed report."""

import logging
import threading
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from django.db import DatabaseError, connection

from diagnosis import graders
from diagnosis.actions.jobs import advance, beat, claim, fail, record_grade
from diagnosis.errors import ClaimLost
from diagnosis.imaging.decoding import decode
from diagnosis.models import GradingJob, State
from diagnosis.service import diagnosis_service
from diagnosis.shadowing import grade_beside
from portal.errors import PortalError
from portal.row_security import grading, in_the_name_of
from records.opening import unseal
from records.storage.errors import StorageError

logger = logging.getLogger(__name__)
BEAT_SECONDS = 5.0


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
        with heart_beating(job):
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


def _beat_once(job: GradingJob) -> None:
    try:
        beat(job=job)
    except DatabaseError as error:
        # A database that restarts is heard again; a heart that stopped would not be.
        logger.warning("Job %s: no beat: %s", job.correlation_id, error)
        connection.close()


@contextmanager
def heart_beating(job: GradingJob) -> Iterator[None]:
    """Say every few seconds that the worker lives, from a thread of its own.

    The networks hold the worker's own thread for long; a thread has its own
    database connection, which is closed with it.
    """
    stopped = threading.Event()

    def beating() -> None:
        try:
            with in_the_name_of(grading(job.pk)):
                while not stopped.wait(BEAT_SECONDS):
                    _beat_once(job)
        except ClaimLost:
            return
        finally:
            connection.close()

    thread = threading.Thread(target=beating, name="heartbeat", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stopped.set()
        thread.join()
