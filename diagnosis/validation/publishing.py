"""What of a validation report may leave the hospital."""

from typing import Any

KEPT = (
    "images", "graded", "patients", "accuracy_of_all", "table", "card", "drift",
    "intervals", "figures", "per_class", "classes", "plots",
)  # fmt: skip


def published_figures(report: dict[str, Any]) -> dict[str, Any]:
    """Figures and plots alone: no name, no patient, no image."""
    return {name: report[name] for name in KEPT}
