"""Whether a history reads as fast among many patients as among few."""

from benchmarks.result import Result
from benchmarks.site import in_a_process


def measure() -> list[Result]:
    """A page of a long history."""
    return in_a_process("benchmarks.history_run")
