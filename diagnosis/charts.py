"""Where the marks of a chart lie, in the units of its SVG."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class Panel:
    """A rectangle with a scale up its left edge.

    Attributes:
        left, right: x of its edges.
        top, bottom: y of its edges; y grows downwards.
        low, high: the values at bottom and top.
    """

    left: float
    right: float
    top: float
    bottom: float
    low: float
    high: float

    def y(self, value: float) -> float:
        """How far down a value lies; what is beyond the scale lies on its edge."""
        share = (value - self.low) / (self.high - self.low)
        share = min(max(share, 0.0), 1.0)
        return round(self.bottom - share * (self.bottom - self.top), 1)


def spread(moments: Sequence[datetime], left: float, right: float) -> list[float]:
    """How far right each moment lies; a single one lies in the middle."""
    if not moments:
        return []
    first, last = min(moments), max(moments)
    whole = (last - first).total_seconds()
    if not whole:
        return [round((left + right) / 2, 1)] * len(moments)
    return [
        round(left + (right - left) * (moment - first).total_seconds() / whole, 1)
        for moment in moments
    ]


def path(points: Sequence[tuple[float, float]]) -> str:
    """A line through points, as an SVG's `points`."""
    return " ".join(f"{x},{y}" for x, y in points)
