"""Measures graded images against their labels: Table 4 of the UPJO paper, and more."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from diagnosis.grading.scale import Grade
from diagnosis.training.data_set.samples import Sample, exam_weights
from diagnosis.training.measuring.bootstrap import Interval, intervals
from diagnosis.training.measuring.plots import write_plots
from diagnosis.training.measuring.predictions import Numbers, Predictions
from diagnosis.training.measuring.reports import (
    SEED,
    Report,
    Resampling,
    classification_report,
    without_nan,
)
from diagnosis.validation.card import CardFigures

FORMAT = "anamnesis-validation-1"
RESAMPLES = 400
LEAST_SHARE = 1e-12  # a probability of nothing has a logarithm, too


@dataclass(frozen=True)
class Answer:
    """One labelled image with what the networks said of it.

    Attributes:
        label: the hospital's.
        group: stands for the patient.
        grade: the networks'; None where they gave none.
        probabilities: of every grade; None without a grade.
    """

    label: Grade
    group: str
    grade: Grade | None
    probabilities: Mapping[str, float] | None


@dataclass(frozen=True)
class Earlier:
    """An earlier validation of the same hospital, in short."""

    run: str
    at: str
    title: str
    model_version: str
    weights_sha256: str
    images: int
    accuracy: float


def validation_report(
    answers: Sequence[Answer],
    *,
    card: CardFigures | None,
    earlier: Sequence[Earlier] = (),
    resamples: int = RESAMPLES,
) -> Report:
    """Measure; intervals are over patients.

    Precision, recall, F1, curves and calibration are of the images that got a grade;
    ``accuracy_of_all`` counts an image without one as wrong, as the model card does.

    Args:
        answers: at least one of them with a grade.
        card: what the weights' card says, if it says something.
        earlier: the hospital's reports before this one.
        resamples: of the bootstrap.

    Returns:
        Plain values for JSON; no NaN, but None.

    Raises:
        ValueError: no image got a grade.
    """
    graded = [answer for answer in answers if answer.probabilities is not None]
    if not graded:
        raise ValueError("None of the labelled images got a grade.")
    measured = classification_report(
        _predictions(graded), None, Resampling(resamples)
    ) | {"classes": list(Grade)}
    overall = _accuracy_of_all(answers, resamples)
    report = {
        "format": FORMAT,
        "images": len(answers),
        "graded": len(graded),
        "patients": len({answer.group for answer in answers}),
        "accuracy_of_all": asdict(overall),
        "table": _table(answers),
        "card": None if card is None else {**asdict(card), "accuracy": card.accuracy},
        "drift": drift(overall, card),
        "earlier": [asdict(each) for each in earlier],
        "intervals": f"95 %, percentile bootstrap of {resamples} draws of whole patients",
        **measured,
    }
    whole: Report = without_nan(report)
    return whole | {"plots": _plots(whole)}


def drift(found: Interval, card: CardFigures | None) -> str:
    """Whether the networks do here what their card says, in one sentence."""
    if card is None:
        return "The model card states no accuracy, so nothing can be said about drift."
    said = f"{card.accuracy:.1%}"
    if np.isnan(found.low):
        return (
            f"The model card says {said} right; the images of one patient alone cannot"
            " tell whether that holds here."
        )
    here = f"{found.value:.1%}, 95 % interval {found.low:.1%} to {found.high:.1%}"
    if card.accuracy > found.high:
        return (
            f"The networks are right less often here ({here}) than their model card says"
            f" ({said}): do not rely on the card at this hospital."
        )
    if card.accuracy < found.low:
        return (
            f"The networks are right more often here ({here}) than their model card says"
            f" ({said}): these images may be easier than those of the card."
        )
    return f"No drift is seen: the model card's {said} lies within what was found here ({here})."


def _predictions(graded: Sequence[Answer]) -> Predictions:
    shares = np.array(
        [[(a.probabilities or {})[grade] for grade in Grade] for a in graded]
    )
    samples = [
        Sample(Path(), answer.label, None, None, answer.group) for answer in graded
    ]
    return Predictions(
        logits=np.log(shares.clip(LEAST_SHARE)),
        truth=np.array([answer.label.output for answer in graded]),
        groups=_groups(graded),
        weights=np.array(exam_weights(samples)),
        classes=tuple(Grade),
    )


def _accuracy_of_all(answers: Sequence[Answer], resamples: int) -> Interval:
    right = np.array([answer.grade == answer.label for answer in answers])
    return intervals(
        lambda numbers: {"accuracy": float(right[numbers].mean())},
        _groups(answers),
        resamples=resamples,
        seed=SEED,
    )["accuracy"]


def _groups(answers: Sequence[Answer]) -> Numbers:
    return np.unique([answer.group for answer in answers], return_inverse=True)[1]


def _table(answers: Sequence[Answer]) -> list[dict[str, Any]]:
    """Of each label, how many images got each grade, and how many none."""
    return [
        {
            "label": label,
            "answers": [
                sum(a.label == label and a.grade == grade for a in answers)
                for grade in (*Grade, None)
            ],
        }
        for label in Grade
    ]


def _plots(report: Report) -> dict[str, str]:
    """Each plot's SVG by its name."""
    with TemporaryDirectory() as folder:
        paths = write_plots(report, Path(folder))
        return {path.stem: path.read_text(encoding="utf-8") for path in paths}
