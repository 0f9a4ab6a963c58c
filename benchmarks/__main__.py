"""Runs the benchmarks, prints a table, writes `benchmarks/results.json`."""

import json
import os
import platform
import sys
from importlib import import_module
from pathlib import Path

from benchmarks.result import Result, table

RESULTS = Path(__file__).parent / "results.json"


def main() -> None:
    """Run all of them, or those that ONLY names, e.g. ONLY=grading."""
    only = os.environ.get("ONLY", "")
    results: list[Result] = []
    for name in ("grading",):
        if only in {"", name}:
            results += import_module(f"benchmarks.{name}").measure()
    device = f"{os.cpu_count()} cores, {platform.machine()}"
    RESULTS.write_text(json.dumps([r.as_row(device) for r in results], indent=2) + "\n")
    sys.stdout.write(table(results, device))


if __name__ == "__main__":
    main()
