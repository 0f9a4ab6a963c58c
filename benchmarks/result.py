"""One measured figure with its goal."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal


@dataclass(frozen=True)
class Result:
    """A figure, what it should be at most or at least, what it was measured against."""

    name: str
    value: float
    unit: str
    goal: float | None  # None: measured beside the others, without a goal
    against: str
    wanted: Literal["≤", "≥"] = "≤"

    @property
    def holds(self) -> bool:
        """Whether the goal is met."""
        if self.goal is None:
            return True
        if self.wanted == "≤":
            return self.value <= self.goal
        return self.value >= self.goal

    def as_row(self, device: str) -> dict[str, Any]:
        """A row of results.json."""
        return {
            "name": self.name,
            "value": round(self.value, 3),
            "unit": self.unit,
            "goal": self.goal,
            "wanted": self.wanted,
            "holds": self.holds,
            "against": self.against,
            "device": device,
        }


def table(results: Iterable[Result], device: str) -> str:
    """The figures, one a line."""
    lines = [f"Measured on {device}"]
    for r in results:
        goal = "" if r.goal is None else f"goal {r.wanted} {r.goal:g}; "
        lines.append(
            f"{'ok ' if r.holds else 'NO '} {r.name:<48} {r.value:12,.3f} {r.unit}"
            f"  ({goal}{r.against})"
        )
    return "\n".join(lines) + "\n"
