"""Whether a probability means what it says."""

from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax
from sklearn.model_selection import GroupKFold

from diagnosis.training.measuring.predictions import Floats, Predictions

BINS = 15
PARTS = 5
COLDEST, HOTTEST = 0.05, 20.0


@dataclass(frozen=True)
class Bin:
    """Images whose highest probability lies in one range.

    Attributes:
        confidence: mean highest probability.
        accuracy: share of right answers.
        share: of the weight of all images.
    """

    confidence: float
    accuracy: float
    share: float


def reliability(predictions: Predictions, *, bins: int = BINS) -> list[Bin]:
    """Compare confidence with accuracy in bins of equal width; empty ones are left out."""
    confidence = predictions.probabilities.max(axis=1)
    place = np.minimum((confidence * bins).astype(int), bins - 1)
    weights, total = predictions.weights, predictions.weights.sum()
    return [
        Bin(
            confidence=float(np.average(confidence[inside], weights=weights[inside])),
            accuracy=float(
                np.average(predictions.right[inside], weights=weights[inside])
            ),
            share=float(weights[inside].sum() / total),
        )
        for number in range(bins)
        if (inside := place == number).any()
    ]


def expected_error(predictions: Predictions, *, bins: int = BINS) -> float:
    """Mean distance of confidence and accuracy (ECE, Guo et al. 2017, eq. 3)."""
    return sum(
        each.share * abs(each.confidence - each.accuracy)
        for each in reliability(predictions, bins=bins)
    )


def best_temperature(predictions: Predictions) -> float:
    """Find the T that makes the truth most probable when logits are divided by it.

    Guo et al. 2017, section 4.2. Answers stay the same; T above 1 makes them less
    sure. Searched between 0.05 and 20.
    """

    def surprise(logarithm: float) -> float:
        shares: Floats = log_softmax(predictions.logits / np.exp(logarithm), axis=1)
        of_truth = shares[np.arange(len(predictions)), predictions.truth]
        return -float(np.average(of_truth, weights=predictions.weights))

    found = minimize_scalar(
        surprise, bounds=(np.log(COLDEST), np.log(HOTTEST)), method="bounded"
    )
    return float(np.exp(found.x))


def cooled_by_others(predictions: Predictions) -> Predictions | None:
    """Calibrate each patient with the temperature that fits the other patients.

    So that the calibration is not measured on what it was fitted to.

    Returns:
        In the order of the input; None where there is one group only.
    """
    parts = min(PARTS, len(np.unique(predictions.groups)))
    if parts < 2:
        return None
    logits = np.empty_like(predictions.logits)
    folds = GroupKFold(parts).split(predictions.logits, groups=predictions.groups)
    for others, own in folds:
        temperature = best_temperature(predictions.take(others))
        logits[own] = predictions.logits[own] / temperature
    return Predictions(
        logits,
        predictions.truth,
        predictions.groups,
        predictions.weights,
        predictions.classes,
    )
