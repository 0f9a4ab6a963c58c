"""How right a network is when it may leave the doubtful images to a person."""

from dataclasses import dataclass

import numpy as np

from diagnosis.training.measuring.predictions import Floats, Predictions


@dataclass(frozen=True, eq=False)
class Selective:
    """Accuracy against coverage, each (M,), the surest images first.

    Attributes:
        threshold: images with at least this highest probability are answered.
        coverage: their share of the weight of all.
        accuracy: of the answers.
    """

    threshold: Floats
    coverage: Floats
    accuracy: Floats

    def accuracy_at(self, coverage: float) -> float:
        """With the highest threshold that still answers this share."""
        number = int((self.coverage < coverage - 1e-12).sum())
        return float(self.accuracy[min(number, len(self.accuracy) - 1)])


def select(predictions: Predictions) -> Selective:
    """Lower the threshold image by image; equally sure ones come together."""
    confidence = predictions.probabilities.max(axis=1)
    order = np.argsort(-confidence, kind="stable")
    sure, weights = confidence[order], predictions.weights[order]
    last = np.append(sure[1:] < sure[:-1], True)
    answered = weights.cumsum()
    right = (weights * predictions.right[order]).cumsum()
    return Selective(
        sure[last], answered[last] / answered[-1], right[last] / answered[last]
    )
