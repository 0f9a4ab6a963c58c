"""What a report says beside its grade, in words for its page."""

from dataclasses import dataclass

from django.utils.formats import number_format
from django.utils.translation import gettext as _

from diagnosis.grading.measurements import Measurements
from diagnosis.grading.referral import Referral
from diagnosis.grading.report import GradeReport
from diagnosis.imaging.overlay import attention_png
from diagnosis.presentation import PAGE_SIDE, data_uri


@dataclass(frozen=True)
class Measure:
    """One figure with what it means."""

    name: str
    value: str
    note: str = ""


def measures(report: GradeReport) -> list[Measure]:
    """What was measured, the indices first, which need no scale."""
    found = report.measurements
    if found is None:
        return _of_an_older_report(report)
    return [*_indices(found), *_lengths(found)]


def _indices(found: Measurements) -> list[Measure]:
    listed = [_index(found.hydronephrosis_index)]
    if found.fluid_to_parenchyma is not None:
        listed.append(
            Measure(
                _("Fluid to tissue"),
                number_format(found.fluid_to_parenchyma, 2),
                _("Fluid ÷ tissue (HARP of Song et al. 2022). Close to 0 if healthy."),
            )
        )
    return listed


def _index(value: float) -> Measure:
    return Measure(
        _("Hydronephrosis index"),
        number_format(value, 2),
        _(
            "The share of the kidney that is tissue: 1 − fluid ÷ kidney area (Shapiro"
            " et al. 2008). A healthy kidney is close to 1."
        ),
    )


def _lengths(found: Measurements) -> list[Measure]:
    scaled = found.millimetres_per_pixel is not None
    where = (
        _("In the plane of this picture, by the scale in its file.")
        if scaled
        else _(
            "The file has no scale, so pixels are counted: they cannot be compared"
            " with another picture."
        )
    )
    return [
        Measure(_("Kidney with its fluid"), _area(found.kidney_area, scaled=scaled)),
        Measure(_("Tissue"), _area(found.parenchyma_area, scaled=scaled)),
        Measure(_("Fluid"), _area(found.fluid_area, scaled=scaled), where),
        Measure(
            _("Widest place of the fluid"),
            _length(found.pelvis_diameter, scaled=scaled),
            _(
                "The largest circle that fits into it. Not the anteroposterior"
                " diameter, for which the probe must lie across the hilum."
            ),
        ),
    ]


def _area(area: float, *, scaled: bool) -> str:
    if scaled:
        return _("%(area)s mm²") % {"area": number_format(area, 0)}
    return _("%(area)s pixels") % {"area": number_format(area, 0)}


def _length(length: float, *, scaled: bool) -> str:
    if scaled:
        return _("%(length)s mm") % {"length": number_format(length, 1)}
    return _("%(length)s pixels") % {"length": number_format(length, 0)}


def _of_an_older_report(report: GradeReport) -> list[Measure]:
    if report.hydronephrosis_index is None:
        return []
    percent = number_format(100 * report.fluid_fraction, 1)
    return [
        _index(report.hydronephrosis_index),
        Measure(
            _("Fluid in the picture"),
            _("%(percent)s %%") % {"percent": percent},
            _("Of the whole frame, in pixels; it depends on how it was taken."),
        ),
    ]


def doubt_sentences(report: GradeReport) -> list[str]:
    """How the answer held, and from where on a person would have been asked."""
    doubt = report.doubt
    if doubt is None:
        return []
    return [
        _(
            "Mirrored, darker and lighter, the picture keeps its grade in %(agreeing)d"
            " of %(views)d looks; the expected grade moves by ± %(spread)s of a grade."
        )
        % {
            "agreeing": doubt.agreeing,
            "views": doubt.views,
            "spread": number_format(doubt.spread, 2),
        },
        _(
            "A grade is suggested only where at least %(least)d looks agree and the"
            " likeliest grade is at least %(percent)s %% certain; otherwise a person"
            " is asked."
        )
        % {
            "least": doubt.least_agreeing,
            "percent": number_format(100 * doubt.least_certainty, 0),
        },
    ]


def no_grade_title(report: GradeReport) -> str:
    """Why there is no grade, in three words."""
    titles = {
        Referral.QUALITY: _("Picture too poor to grade"),
        Referral.SCOPE: _("Not a grey ultrasound"),
        Referral.DOUBT: _("Left to a doctor"),
    }
    fallback = _("No kidney found")
    return titles.get(report.referral, fallback) if report.referral else fallback


def no_grade_advice(report: GradeReport) -> str:
    """What to do without a grade."""
    if report.referral is Referral.DOUBT:
        return _(
            "So there is no grade: the networks are not sure enough, and a doctor"
            " decides from the image."
        )
    return _(
        "So there is no grade. This says nothing about the patient: the view may be"
        " too narrow, or not of a kidney. Try another frame or another image."
    )


def attention_layer(report: GradeReport) -> str | None:
    """Where the classifier looked, to be laid over the image; None if unknown."""
    if report.attention is None:
        return None
    rows, columns = report.mask.shape
    scale = min(1.0, PAGE_SIDE / 2 / max(rows, columns))
    size = (max(round(rows * scale), 1), max(round(columns * scale), 1))
    return data_uri(attention_png(report.attention, size))
