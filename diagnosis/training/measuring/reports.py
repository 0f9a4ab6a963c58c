"""Everything measured of a network, as plain values for JSON."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

import numpy as np
from sklearn.metrics import precision_recall_curve, roc_curve

from diagnosis.training.measuring import classification, segmentation
from diagnosis.training.measuring.answers import Answers
from diagnosis.training.measuring.bootstrap import Interval, intervals
from diagnosis.training.measuring.calibration import (
    best_temperature,
    cooled_by_others,
    expected_error,
    reliability,
)
from diagnosis.training.measuring.classification import PER_CLASS
from diagnosis.training.measuring.predictions import Floats, Predictions
from diagnosis.training.measuring.segmentation import Marked
from diagnosis.training.measuring.selective import select

COVERAGES = (0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
SEED = 0  # of the bootstrap: the same command gives the same intervals
Report = dict[str, Any]


@dataclass(frozen=True)
class Resampling:
    """How intervals are made: so many draws of whole groups."""

    resamples: int


def report_of(answers: Answers, val: Answers | None, resampling: Resampling) -> Report:
    """Measure a network of either task; ``val`` is for ``classification_report``."""
    if isinstance(answers, Marked):
        return segmentation_report(answers, resampling)
    return classification_report(
        answers, val if isinstance(val, Predictions) else None, resampling
    )


def classification_report(
    predictions: Predictions, val: Predictions | None, resampling: Resampling
) -> Report:
    """Measure a classifier.

    Args:
        predictions: weighted by exam.
        val: fits the temperature; None where ``predictions`` themselves must.
        resampling: for the intervals.
    """
    alike = predictions.alike()
    figures = _figures(alike, resampling)
    exams_differ = len(set(predictions.weights.tolist())) > 1
    return {
        "definitions": classification.DEFINITIONS,
        **figures,
        "exam_weighted": _figures(predictions, resampling) if exams_differ else figures,
        "confusion": classification.confusion(alike).astype(int).tolist(),
        "calibration": _calibration(alike, val.alike() if val else None),
        "selective": _selective(alike) | {"exam_weighted": _selective(predictions)},
        "curves": curves(alike),
    }


def segmentation_report(marked: Marked, resampling: Resampling) -> Report:
    """Measure a segmenter; ``marked`` is weighted by exam."""
    alike = Marked(
        marked.pixels, marked.groups, np.ones(len(marked.weights)), marked.classes
    )

    def both(which: Marked) -> Report:
        return nested(
            intervals(
                partial(segmentation.figures, which),
                which.groups,
                resamples=resampling.resamples,
                seed=SEED,
            )
        )

    return {
        "definitions": segmentation.DEFINITIONS,
        **both(alike),
        "exam_weighted": both(marked.by_exam()),
        "confusion": marked.pixels.sum(axis=0).astype(int).tolist(),
    }


def nested(flat: Mapping[str, Interval]) -> Report:
    """Figures of all apart from those of one class."""
    figures: Report = {}
    per_class: dict[str, Report] = {}
    for name, interval in flat.items():
        of, found, kind = name.rpartition(PER_CLASS)
        (per_class.setdefault(of, {}) if found else figures)[kind] = asdict(interval)
    return {"figures": figures, "per_class": per_class}


def without_nan(value: Any) -> Any:
    """The same with null for what JSON cannot say."""
    match value:
        case float():
            return value if math.isfinite(value) else None
        case dict():
            return {name: without_nan(each) for name, each in value.items()}
        case list() | tuple():
            return [without_nan(each) for each in value]
    return value


def curves(predictions: Predictions) -> Report:
    """ROC and precision-recall points of each class that can be told from the rest."""
    found: Report = {}
    for number, name in enumerate(predictions.classes):
        truth = predictions.truth == number
        if truth.any() and not truth.all():
            scores = predictions.probabilities[:, number]
            weights = predictions.weights
            fpr, tpr, _ = roc_curve(truth, scores, sample_weight=weights)
            precision, recall, _ = precision_recall_curve(
                truth, scores, sample_weight=weights
            )
            found[name] = {
                "fpr": _rounded(fpr),
                "tpr": _rounded(tpr),
                "precision": _rounded(precision),
                "recall": _rounded(recall),
            }
    return found


def _figures(predictions: Predictions, resampling: Resampling) -> Report:
    return nested(
        intervals(
            lambda numbers: classification.figures(predictions.take(numbers)),
            predictions.groups,
            resamples=resampling.resamples,
            seed=SEED,
        )
    )


def _calibration(predictions: Predictions, val: Predictions | None) -> Report:
    temperature = best_temperature(val or predictions)
    if val:
        cooled, measured_on = predictions.cooled(temperature), "other images than val"
    else:
        crossed = cooled_by_others(predictions)
        cooled = crossed or predictions.cooled(temperature)
        measured_on = (
            "these images, each patient with the temperature that fits the others"
            if crossed
            else "these images, which it was fitted to"
        )
    return {
        "ece": expected_error(predictions),
        "temperature": temperature,
        "temperature_fitted_on": "val" if val else "these images",
        "ece_after_temperature": expected_error(cooled),
        "ece_after_temperature_measured_on": measured_on,
        "bins": [asdict(each) for each in reliability(predictions)],
    }


def _selective(predictions: Predictions) -> Report:
    found = select(predictions)
    return {
        "accuracy_at_coverage": {
            f"{coverage:.0%}": found.accuracy_at(coverage) for coverage in COVERAGES
        },
        "threshold": _rounded(found.threshold),
        "coverage": _rounded(found.coverage),
        "accuracy": _rounded(found.accuracy),
    }


def _rounded(values: Floats) -> list[float]:
    """Six digits are more than the figures hold, and keep the file small."""
    rounded: list[float] = np.round(values, 6).tolist()
    return rounded
