"""One answer for a patient from the answers for the slices."""

import math
from collections.abc import Mapping, Sequence

from diagnosis.lung.scale import Finding

RULE = "mean of the logarithms of the slices' shares"
"""Of each finding, then made to add up to 1: the geometric mean.

The network learns from slices that carry their patient's label, all of them, so that
all of them are asked alike. No order matters, and a slice counted twice in every place
changes nothing. The rule is ours: the COVID paper answers for slices only.
"""
FLOOR = 1e-6
"""A length below it counts as this much, so that no single slice decides alone."""

Lengths = Sequence[tuple[float, float]]
"""Of each slice: the capsules' lengths in [0, 1], in the order of ``Finding``."""


def patient_probabilities(lengths: Lengths) -> Mapping[Finding, float]:
    """How probable each finding is, adding up to 1.

    p(c) ∝ exp( 1/N Σ_n log( l_nc ÷ Σ_k l_nk ) )

    Args:
        lengths: of N slices, at least one.
    """
    logs = [_log_shares(each) for each in lengths]
    means = [
        math.fsum(log[at] for log in logs) / len(logs) for at in range(len(Finding))
    ]
    top = max(means)
    weights = [math.exp(mean - top) for mean in means]
    total = math.fsum(weights)
    return {
        finding: weight / total
        for finding, weight in zip(Finding, weights, strict=True)
    }


def _log_shares(lengths: tuple[float, float]) -> list[float]:
    floored = [max(length, FLOOR) for length in lengths]
    total = math.log(math.fsum(floored))
    return [math.log(length) - total for length in floored]
