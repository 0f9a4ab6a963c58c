"""How often doctors agree with the networks, and how sure that share is."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from statistics import NormalDist
from typing import Protocol, TypeVar

CONFIDENCE = 0.95
ACCEPTED, OVERRULED, UNDECIDED = "accepted", "overruled", "undecided"


class Word(Protocol):
    """One verdict, as far as it is counted."""

    @property
    def job_id(self) -> object:
        """On which grade."""

    @property
    def by_id(self) -> object:
        """Whose."""

    @property
    def at(self) -> datetime:
        """When."""


W = TypeVar("W", bound=Word)


@dataclass(frozen=True)
class Tally:
    """Verdicts of one kind of another, counted.

    Those who could not tell are counted beside: they neither agree nor disagree.
    """

    name: str
    accepted: int
    overruled: int
    undecided: int

    @classmethod
    def of(cls, name: str, decisions: Iterable[str]) -> "Tally":
        """Count decisions, each 'accepted', 'overruled' or 'undecided'."""
        said = list(decisions)
        return cls(
            name, said.count(ACCEPTED), said.count(OVERRULED), said.count(UNDECIDED)
        )

    @property
    def decided(self) -> int:
        """Those who agreed or disagreed."""
        return self.accepted + self.overruled

    @property
    def percent(self) -> float | None:
        """Agreeing of those who decided; None where nobody did."""
        return 100 * self.accepted / self.decided if self.decided else None

    @property
    def between(self) -> tuple[float, float] | None:
        """95 % interval of the percentage; None where nobody decided."""
        if not self.decided:
            return None
        low, high = wilson(self.accepted, self.decided)
        return 100 * low, 100 * high


def wilson(successes: int, trials: int) -> tuple[float, float]:
    """Score interval of a share, which stays honest for few trials and near 0 and 1.

    centre = (p + z²/2n) / (1 + z²/n)
    half = z / (1 + z²/n) · √(p(1 − p)/n + z²/4n²)
    Wilson, JASA 1927;22:209

    Args:
        successes: 0 to ``trials``.
        trials: at least 1.

    Returns:
        The ends of the 95 % interval, in [0, 1].
    """
    z = NormalDist().inv_cdf((1 + CONFIDENCE) / 2)
    share, square = successes / trials, z * z / trials
    centre = (share + square / 2) / (1 + square)
    half = (
        z / (1 + square) * math.sqrt(share * (1 - share) / trials + square / trials / 4)
    )
    return max(centre - half, 0.0), min(centre + half, 1.0)


def last_words(verdicts: Iterable[W]) -> list[W]:
    """Each doctor's last verdict on each grade: who judges again, corrects."""
    last: dict[tuple[object, object], W] = {}
    for verdict in sorted(verdicts, key=lambda verdict: verdict.at):
        last[verdict.job_id, verdict.by_id] = verdict
    return sorted(last.values(), key=lambda verdict: verdict.at)
