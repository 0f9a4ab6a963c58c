"""How far a figure would move with other patients."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from diagnosis.training.measuring.predictions import Floats, Numbers

COVERAGE = 0.95


@dataclass(frozen=True)
class Interval:
    """A figure with its bootstrap interval.

    Attributes:
        value: on the images as they are.
        low: 2.5 % of the resamples lie below.
        high: 2.5 % lie above. Both are NaN with fewer than two groups.
    """

    value: float
    low: float
    high: float


def intervals(
    measure: Callable[[Numbers], Mapping[str, float]],
    groups: Numbers,
    *,
    resamples: int,
    seed: int,
) -> dict[str, Interval]:
    """Percentile bootstrap over groups (Efron 1979; Davison & Hinkley 1997, 3.8).

    Images of a patient resemble each other, so whole patients are drawn, with
    replacement: drawing images would make the intervals far too narrow.

    Args:
        measure: figures of the images with these numbers, which may repeat.
        groups: (N,) the patient of each image.
        resamples: how many times to draw.
        seed: of the draws.

    Returns:
        Of every figure; resamples in which it has no value are left out.
    """
    numbers = np.arange(len(groups))
    values = measure(numbers)
    names, place = np.unique(groups, return_inverse=True)
    members = [numbers[place == number] for number in range(len(names))]
    rng = np.random.default_rng(seed)
    drawn = [
        measure(
            np.concatenate(
                [members[g] for g in rng.integers(len(names), size=len(names))]
            )
        )
        for _ in range(resamples if len(names) > 1 else 0)
    ]
    return {
        name: Interval(value, *_ends(np.array([each[name] for each in drawn])))
        for name, value in values.items()
    }


def _ends(drawn: Floats) -> tuple[float, float]:
    known = drawn[~np.isnan(drawn)]
    if not len(known):
        return float("nan"), float("nan")
    low, high = np.quantile(known, [(1 - COVERAGE) / 2, (1 + COVERAGE) / 2])
    return float(low), float(high)
