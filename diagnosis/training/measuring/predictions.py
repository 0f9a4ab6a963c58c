"""What a classifier answered, beside the truth."""

from collections.abc import Sequence
from dataclasses import Field, dataclass, fields, replace
from functools import cached_property
from typing import Any, ClassVar, Protocol, TypeVar

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


class Grouped(Protocol):
    """A dataclass of arrays with a row for each image."""

    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]

    @property
    def groups(self) -> Numbers:
        """(N,) which patient or exam."""


Kind = TypeVar("Kind", bound=Grouped)


def join(parts: Sequence[Kind]) -> Kind:
    """Answers to images of different groups, as if asked at once.

    What is no array is the first part's.
    """
    joined = {
        field.name: np.concatenate([getattr(part, field.name) for part in parts])
        for field in fields(parts[0])
        if isinstance(getattr(parts[0], field.name), np.ndarray)
    }
    groups = join_groups([part.groups for part in parts])
    return replace(parts[0], **joined | {"groups": groups})


def join_groups(parts: Sequence[Numbers]) -> Numbers:
    """Numbers of groups, each part counted on from the one before."""
    starts = np.cumsum([0, *(part.max() + 1 for part in parts)])
    return np.concatenate(
        [part + start for part, start in zip(parts, starts[:-1], strict=True)]
    )
