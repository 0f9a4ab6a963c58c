"""Turns images and reports into what a page shows."""

import base64
from dataclasses import dataclass
from datetime import timedelta

from django.utils.formats import date_format, number_format
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from diagnosis.grading.report import GradeReport
from diagnosis.grading.scale import Grade
from diagnosis.imaging.image import DecodedImage
from diagnosis.imaging.overlay import layer_png, preview_png
from diagnosis.models import GradingJob, State
from records.history import added_by
from records.models import Document

PAGE_SIDE = 1024
"""Longest side, in pixels, of an image shown in a page."""

FORMATS = {"png": "PNG", "jpeg": "JPEG", "dicom": "DICOM"}


def data_uri(png: bytes) -> str:
    """A PNG to be put into the page itself: one reading, one record of it."""
    return "data:image/png;base64," + base64.b64encode(png).decode()


def shown(image: DecodedImage) -> str:
    """The frame, small enough for a page."""
    return data_uri(preview_png(image.pixels, PAGE_SIDE))


def image_facts(document: Document, image: DecodedImage) -> list[tuple[str, str]]:
    """What is known of an image, name by name."""
    rows, columns = image.pixels.shape[:2]
    added = date_format(localtime(document.created_at), "j F Y, H:i")
    facts = [
        (_("From"), document.institution.name),
        (_("Added"), added),
        (_("Format"), FORMATS[image.format]),
        (_("Size"), _("%(w)d × %(h)d pixels") % {"w": columns, "h": rows}),
        (_("Calibration"), _calibration(image)),
    ]
    if document.created_by:
        facts.insert(2, (_("Added by"), added_by(document)))
    if image.frames > 1:
        facts.append((_("Frames"), str(image.frames)))
    return facts


def _calibration(image: DecodedImage) -> str:
    if image.millimetres_per_pixel is None:
        return _("not calibrated: lengths cannot be measured")
    across, down = (number_format(mm, 3) for mm in image.millimetres_per_pixel)
    return _("%(x)s × %(y)s mm per pixel") % {"x": across, "y": down}


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


def waiting_sentence(job: GradingJob) -> str:
    """What is going on with an unfinished job, for the one who waits."""
    if job.state == State.QUEUED:
        before = job.place_in_queue - 1
        if not before:
            return _("Next in the queue.")
        return ngettext(
            "%(count)d image is before this one.",
            "%(count)d images are before this one.",
            before,
        ) % {"count": before}
    stages = {
        "segmenting": _("Looking for the kidney in the image."),
        "merging": _("Putting what was found over the image."),
        "measuring": _("Measuring the kidney."),
        "classifying": _("Grading the kidney."),
        "doubting": _("Looking again, mirrored and lit otherwise."),
    }
    states = {
        State.PREPARING: _("Opening the desensitised copy."),
        State.SAVING: _("Sealing the result into the history."),
    }
    return stages.get(job.stage) or states.get(State(job.state), _("Being graded."))


def clock(elapsed: timedelta) -> str:
    """Minutes and seconds, as 0:07."""
    minutes, seconds = divmod(int(elapsed.total_seconds()), 60)
    return f"{minutes}:{seconds:02d}"


def left_words(seconds: float | None) -> str:
    """How long is left; empty before the first grade, when nobody knows."""
    if seconds is None:
        return ""
    if seconds <= 0:
        return _("longer than usual")
    if seconds < 90:
        whole = max(1, round(seconds))
        words = ngettext(
            "about %(count)d second left", "about %(count)d seconds left", whole
        )
    else:
        whole = round(seconds / 60)
        words = ngettext(
            "about %(count)d minute left", "about %(count)d minutes left", whole
        )
    return words % {"count": whole}
