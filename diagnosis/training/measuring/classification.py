"""The figures of a classifier."""

from collections.abc import Callable

import numpy as np
from sklearn.metrics import (
    average_precision_score,
    confusion_matrix,
    log_loss,
    precision_recall_fscore_support,
    roc_auc_score,
)

from diagnosis.training.measuring.calibration import expected_error
from diagnosis.training.measuring.predictions import Floats, Predictions

Figures = dict[str, float]
PER_CLASS = ": "  # between a class and its figure

DEFINITIONS = {
    "accuracy": "weight of the right answers ÷ weight of all",
    "macro_f1": "mean of the classes' F1, as usual",
    "macro_f1_of_means": "F1 of mean precision and mean recall: the UPJO paper's"
    " eq. 12, never below macro_f1",
    "micro_f1": "F1 of the decisions of all classes pooled: the UPJO paper's eq. 13;"
    " with one label an image it is the accuracy, by either definition",
    "roc_auc_micro": "one-vs-rest decisions of all classes pooled",
    "roc_auc_macro": "mean of the classes' one-vs-rest areas",
    "average_precision": "Σ (recall gained × precision), no interpolation",
    "brier": "mean over images of the squared distance to the truth, summed over"
    " classes",
    "ece": "expected calibration error, 15 bins of equal width",
    "recall": "sensitivity; of a class that occurs nowhere there is no figure",
    "precision": "0 for a class that is never answered",
    "exam_weighted": "each image weighs 1 ÷ (images of its group and label)",
}


def figures(predictions: Predictions) -> Figures:
    """Measure, with the predictions' weights; definitions are in ``DEFINITIONS``.

    Macro averages are over the classes that occur.

    Returns:
        Of all images by name, of one class as "CLASS: NAME". What has no value
        here is NaN.
    """
    each = _per_class(predictions)
    present = np.flatnonzero(~np.isnan(each["recall"]))
    precision, recall = (
        float(each[n][present].mean()) for n in ("precision", "recall")
    )
    pooled = confusion(predictions)
    truth = _one_hot(predictions)
    distance = ((predictions.probabilities - truth) ** 2).sum(axis=1)
    return {
        "accuracy": float(pooled.trace() / pooled.sum()),
        "macro_precision": precision,
        "macro_recall": recall,
        "macro_f1": float(each["f1"][present].mean()),
        "macro_f1_of_means": f1(precision, recall),
        "micro_f1": micro_f1(pooled),
        "roc_auc_macro": _mean(each["roc_auc"]),
        "roc_auc_micro": _pooled(predictions, roc_auc_score),
        "average_precision_macro": _mean(each["average_precision"]),
        "average_precision_micro": _pooled(predictions, average_precision_score),
        "brier": float(np.average(distance, weights=predictions.weights)),
        "log_loss": float(
            log_loss(
                predictions.truth,
                predictions.probabilities,
                labels=range(len(predictions.classes)),
                sample_weight=predictions.weights,
            )
        ),
        "ece": expected_error(predictions),
    } | {
        f"{name}{PER_CLASS}{kind}": float(values[number])
        for number, name in enumerate(predictions.classes)
        for kind, values in each.items()
    }


def confusion(predictions: Predictions) -> Floats:
    """(K, K) weights: row the truth, column the answer."""
    matrix: Floats = confusion_matrix(
        predictions.truth,
        predictions.answers,
        labels=range(len(predictions.classes)),
        sample_weight=predictions.weights,
    )
    return matrix


def f1(precision: float, recall: float) -> float:
    """Harmonic mean; 0 where both are 0."""
    both = precision + recall
    return 2 * precision * recall / both if both else 0.0


def micro_f1(matrix: Floats) -> float:
    """F1 of the pooled decisions, written out as the UPJO paper's eq. 13."""
    hits = matrix.diagonal()
    false_alarms, misses = matrix.sum(axis=0) - hits, matrix.sum(axis=1) - hits
    return f1(
        float(hits.sum() / (hits + false_alarms).sum()),
        float(hits.sum() / (hits + misses).sum()),
    )


def _per_class(predictions: Predictions) -> dict[str, Floats]:
    """Each (K,); NaN for a class that does not occur."""
    numbers = range(len(predictions.classes))
    precision, recall, f1s, support = precision_recall_fscore_support(
        predictions.truth,
        predictions.answers,
        labels=numbers,
        sample_weight=predictions.weights,
        zero_division=0,
    )
    matrix = confusion(predictions)
    others = matrix.sum() - matrix.sum(axis=1)
    false_alarms = matrix.sum(axis=0) - matrix.diagonal()
    with np.errstate(invalid="ignore", divide="ignore"):
        specificity = 1 - false_alarms / others
    by_name = {"precision": precision, "recall": recall, "f1": f1s}
    each = {n: np.where(support > 0, v, np.nan) for n, v in by_name.items()}
    return each | {
        "specificity": np.where(others > 0, specificity, np.nan),
        "roc_auc": np.array(
            [_one_vs_rest(predictions, k, roc_auc_score) for k in numbers]
        ),
        "average_precision": np.array(
            [_one_vs_rest(predictions, k, average_precision_score) for k in numbers]
        ),
    }


Area = Callable[..., float]


def _one_vs_rest(predictions: Predictions, number: int, area: Area) -> float:
    truth = predictions.truth == number
    if truth.all() or not truth.any():
        return float("nan")
    scores = predictions.probabilities[:, number]
    return float(area(truth, scores, sample_weight=predictions.weights))


def _pooled(predictions: Predictions, area: Area) -> float:
    weights = np.repeat(predictions.weights, len(predictions.classes))
    truth = _one_hot(predictions).ravel()
    return float(area(truth, predictions.probabilities.ravel(), sample_weight=weights))


def _one_hot(predictions: Predictions) -> Floats:
    hot: Floats = np.eye(len(predictions.classes))[predictions.truth]
    return hot


def _mean(values: Floats) -> float:
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else float("nan")
