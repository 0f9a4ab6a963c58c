"""How fast the ledger is, against plain inserts and bare hashing in the same run."""

from benchmarks.result import Result
from benchmarks.site import in_a_process


def measure() -> list[Result]:
    """Appending, sequencing, inspecting, proving."""
    return in_a_process("benchmarks.ledger_run")
