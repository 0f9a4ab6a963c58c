"""What recording an event costs, beside what others record it with."""

from benchmarks.result import Result
from benchmarks.site import in_a_process


def measure() -> list[Result]:
    """One small row made and changed, in as many ways as there are rivals."""
    return in_a_process("benchmarks.rivals_run")
