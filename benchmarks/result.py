"""One measured figure with its goal."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Result:
    """A figure, what it should be at most, what it was measured against."""

    name: str
    value: float
    unit: str
    goal: float
    against: str

    @property
    def holds(self) -> bool:
        """Whether the goal is met."""
        return self.value <= self.goal

    def as_row(self, device: str) -> dict[str, Any]:
        """A row of results.json."""
        return {
            "name": self.name,
            "value": round(self.value, 3),
            "unit": self.unit,
            "goal": self.goal,
            "holds": self.holds,
            "against": self.against,
            "device": device,
        }


def table(results: Iterable[Result], device: str) -> str:
    """The figures, one a line."""
    lines = [f"Measured on {device}"]
    lines += [
        f"{'ok ' if r.holds else 'NO '} {r.name:<48} {r.value:8.3f} {r.unit}"
        f"  (goal ≤ {r.goal:g}; {r.against})"
        for r in results
    ]
    return "\n".join(lines) + "\n"
