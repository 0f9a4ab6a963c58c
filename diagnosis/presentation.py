"""Turns images and reports into what a page shows."""

import base64
from dataclasses import dataclass

from diagnosis.grading.report import GradeReport
from diagnosis.grading.scale import Grade
from diagnosis.imaging.image import DecodedImage
from diagnosis.imaging.overlay import layer_png, preview_png
from diagnosis.models import GradingJob, State

PAGE_SIDE = 1024
"""Longest side, in pixels, of an image shown in a page."""

STEPS = (State.QUEUED, State.PREPARING, State.RUNNING, State.SAVING, State.DONE)


def data_uri(png: bytes) -> str:
    """A PNG to be put into the page itself: one reading, one record of it."""
    return "data:image/png;base64," + base64.b64encode(png).decode()


def shown(image: DecodedImage) -> str:
    """The frame, small enough for a page."""
    return data_uri(preview_png(image.pixels, PAGE_SIDE))


@dataclass(frozen=True)
class GradeStep:
    """One of the three grades with what the networks gave it."""

    label: str
    words: str
    percent: float
    chosen: bool


def grade_steps(report: GradeReport) -> list[GradeStep]:
    """The three grades in order; empty where no kidney was found."""
    if report.grade is None or report.probabilities is None:
        return []
    return [
        GradeStep(
            label=grade.value,
            words=grade.plain,
            percent=100 * report.probabilities[grade],
            chosen=grade is report.grade,
        )
        for grade in Grade
    ]


def mask_layers(report: GradeReport) -> dict[str, str]:
    """The mask as an outline, and as a fill, to be laid over the image."""
    return {
        "outline": data_uri(layer_png(report.mask)),
        "filled": data_uri(layer_png(report.mask, filled=True)),
    }


def usual_seconds() -> float | None:
    """How long the last ten grades took, in the middle; None before the first."""
    recent = GradingJob.objects.filter(state=State.DONE).order_by("-ended_at")[:10]
    seconds = sorted(job.elapsed.total_seconds() for job in recent)
    return seconds[len(seconds) // 2] if seconds else None
