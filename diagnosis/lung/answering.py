"""A path in, plain values out: what the command writes about one series."""

from pathlib import Path
from typing import Any

from diagnosis.lung.errors import LungError
from diagnosis.lung.pipeline import LungGrader
from diagnosis.lung.report import LungReport
from diagnosis.lung.series import opened_series


def answer_for(path: Path, grader: LungGrader) -> dict[str, Any]:
    """What the pipeline says of one series.

    ``outcome`` is 'graded', 'referred' or 'refused'; only the last has a sentence in
    ``refused``.
    """
    try:
        with opened_series(path) as series:
            return _answer(path, grader.grade(series))
    except LungError as error:
        return {"path": str(path), "outcome": "refused", "refused": str(error)}
    except OSError as error:
        refused = f"The series cannot be read ({error.strerror})."
        return {"path": str(path), "outcome": "refused", "refused": refused}


def _answer(path: Path, report: LungReport) -> dict[str, Any]:
    shares = report.probabilities
    return {
        "path": str(path),
        "outcome": "graded" if report.finding else "referred",
        "finding": report.finding,
        "reason": report.reason,
        "probabilities": dict(shares) if shares else None,
        "slices": report.slices,
        "aerated": report.aerated,
        "seconds": sum(report.seconds.values()),
        "model_version": report.model_version,
        "refused": None,
    }


def text_line(answer: dict[str, Any]) -> str:
    """One line for people."""
    if answer["outcome"] != "graded":
        return f"{answer['path']}: {answer['refused'] or answer['reason']}"
    shares = ", ".join(
        f"{finding} {share:.0%}" for finding, share in answer["probabilities"].items()
    )
    return (
        f"{answer['path']}: {answer['finding']} ({shares}), from {answer['slices']}"
        " slices"
    )
