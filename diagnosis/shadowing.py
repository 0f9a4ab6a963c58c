"""Grades beside the active version, for nobody's eyes but the service's."""

import logging

import numpy as np
import numpy.typing as npt
from django.db import transaction

from diagnosis import graders
from diagnosis.actions.shadows import keep_shadow
from diagnosis.grading.comparison import Answer, Pair
from diagnosis.grading.report import GradeReport

logger = logging.getLogger(__name__)


def grade_beside(pixels: npt.NDArray[np.uint8], report: GradeReport) -> None:
    """Let the version in shadow mode grade what was graded, if there is one.

    To be called when the job is done. Whatever goes wrong here is the shadow's own
    trouble: it is logged and counted, and never reaches the job.

    Args:
        pixels: the frame as the active version got it.
        report: what the active version said of it.
    """
    try:
        _grade_beside(pixels, report)
    except Exception:
        logger.exception("Nothing is kept of the version in shadow mode.")


def _grade_beside(pixels: npt.NDArray[np.uint8], report: GradeReport) -> None:
    shadow = graders.shadow()
    if shadow is None or shadow.beside.weights_sha256 != report.weights_sha256:
        return  # none, or another version became active meanwhile
    pair = None
    try:
        other = shadow.grader.grade(pixels)
        pair = Pair(active=Answer.of(report), shadow=Answer.of(other))
    except Exception:
        logger.exception("%s failed in shadow mode.", shadow.version)
    with transaction.atomic():
        keep_shadow(version=shadow.version, beside=shadow.beside, pair=pair)
