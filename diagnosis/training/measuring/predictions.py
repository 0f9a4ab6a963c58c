"""What a classifier answered, beside the truth."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import softmax

Floats = npt.NDArray[np.float64]
Numbers = npt.NDArray[np.integer[Any]]


@dataclass(frozen=True, eq=False)
class Predictions:
    """Answers for N images.

    Attributes:
        logits: (N, K) float64.
        truth: (N,) the true class, 0 to K − 1.
        groups: (N,) which patient or exam, any integers.
        weights: (N,) how much each image counts, above 0.
        classes: the K names.
    """

    logits: Floats
    truth: Numbers
    groups: Numbers
    weights: Floats
    classes: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.truth)

    @cached_property
    def probabilities(self) -> Floats:
        """(N, K), rows add up to 1."""
        shares: Floats = softmax(self.logits, axis=1)
        return shares

    @cached_property
    def answers(self) -> Numbers:
        """(N,) the most probable class."""
        answers: Numbers = self.logits.argmax(axis=1)
        return answers

    @cached_property
    def right(self) -> npt.NDArray[np.bool_]:
        """(N,) whether the answer is the truth."""
        right: npt.NDArray[np.bool_] = self.answers == self.truth
        return right

    def take(self, numbers: Numbers) -> "Predictions":
        """Some of them, repeated where a number is."""
        return Predictions(
            self.logits[numbers],
            self.truth[numbers],
            self.groups[numbers],
            self.weights[numbers],
            self.classes,
        )

    def by_exam(self) -> "Predictions":
        """The same: weights count by exam already."""
        return self

    def alike(self) -> "Predictions":
        """The same, every image counting 1."""
        ones = np.ones(len(self))
        return Predictions(self.logits, self.truth, self.groups, ones, self.classes)

    def cooled(self, temperature: float) -> "Predictions":
        """The same answers with all logits divided by a temperature."""
        return Predictions(
            self.logits / temperature,
            self.truth,
            self.groups,
            self.weights,
            self.classes,
        )


def join(parts: Sequence[Predictions]) -> Predictions:
    """Answers to images of different groups, as if asked at once."""
    return Predictions(
        np.concatenate([part.logits for part in parts]),
        np.concatenate([part.truth for part in parts]),
        join_groups([part.groups for part in parts]),
        np.concatenate([part.weights for part in parts]),
        parts[0].classes,
    )


def join_groups(parts: Sequence[Numbers]) -> Numbers:
    """Numbers of groups, each part counted on from the one before."""
    starts = np.cumsum([0, *(part.max() + 1 for part in parts)])
    return np.concatenate(
        [part + start for part, start in zip(parts, starts[:-1], strict=True)]
    )
