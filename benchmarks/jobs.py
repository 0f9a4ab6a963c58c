"""What a grading job costs beside its networks, and how soon its page says something."""

from benchmarks.result import Result
from benchmarks.site import in_a_process


def measure() -> list[Result]:
    """A row of single images."""
    return in_a_process("benchmarks.jobs_run")
