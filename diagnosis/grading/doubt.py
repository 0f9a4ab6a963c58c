"""How sure an answer is, from several looks at the same picture."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from diagnosis.grading.errors import ReportRejected


@dataclass(frozen=True)
class Doubt:
    """What the classifier says when the picture is mirrored and lit otherwise.

    The expected grade of a look is Σ k · p(k), with the grades counted 0, 1, 2.

    Attributes:
        views: looks in all, the plain one among them; at least 2.
        agreement: share of the looks with the plain look's grade, 0 to 1.
        spread: standard deviation of the expected grade over the looks, in grades.
        certainty: the plain look's highest probability.
        least_agreement: below which a person was to be asked, by the weights' manifest.
        least_certainty: the same.

    Raises:
        ReportRejected: a figure is out of its range.
    """

    views: int
    agreement: float
    spread: float
    certainty: float
    least_agreement: float
    least_certainty: float

    def __post_init__(self) -> None:
        shares = (
            self.agreement,
            self.certainty,
            self.least_agreement,
            self.least_certainty,
        )
        if self.views < 2 or not all(0 <= share <= 1 for share in shares):
            raise ReportRejected("Doubt needs two looks, with shares from 0 to 1.")
        if not (math.isfinite(self.spread) and self.spread >= 0):
            raise ReportRejected("A spread cannot be negative or endless.")

    @property
    def least_agreeing(self) -> int:
        """Looks that must agree."""
        return math.ceil(self.least_agreement * self.views - 1e-9)

    @property
    def agreeing(self) -> int:
        """Looks that gave the plain look's grade."""
        return round(self.agreement * self.views)

    @classmethod
    def between(
        cls,
        probabilities: npt.NDArray[np.float64],
        *,
        least_agreement: float,
        least_certainty: float,
    ) -> "Doubt":
        """Compare looks.

        Args:
            probabilities: (V, K), a row for each look, the plain one first; each row
                adds up to 1.
            least_agreement: the manifest's threshold.
            least_certainty: the manifest's threshold.
        """
        top = probabilities.argmax(axis=1)
        expected = probabilities @ np.arange(probabilities.shape[1])
        return cls(
            views=len(probabilities),
            agreement=float((top == top[0]).mean()),
            spread=float(expected.std()),
            certainty=float(probabilities[0].max()),
            least_agreement=least_agreement,
            least_certainty=least_certainty,
        )

    def to_fields(self) -> dict[str, Any]:
        """As JSON holds it."""
        return asdict(self)

    @classmethod
    def of_fields(cls, fields: Mapping[str, Any]) -> "Doubt":
        """Read what ``to_fields`` wrote.

        Raises:
            TypeError, ValueError, ReportRejected: it is something else.
        """
        return cls(**fields)
