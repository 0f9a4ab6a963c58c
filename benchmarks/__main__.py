"""Runs the benchmarks, prints a table, writes `benchmarks/results.json`."""

import json
import os
import platform
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

from benchmarks.result import Result, table

RESULTS = Path(__file__).parent / "results.json"
ALL = (
    "grading",
    "inference",
    "jobs",
    "wavelets",
    "ledger",
    "rivals",
    "records",
    "history",
)


def main() -> None:
    """Run all of them, or those that ONLY names, e.g. ONLY=grading."""
    wanted = os.environ.get("ONLY", "").split() or ALL
    device = f"{os.cpu_count()} cores, {platform.machine()}"
    kept = _kept(wanted)
    for name in (name for name in ALL if name in wanted):
        results: list[Result] = import_module(f"benchmarks.{name}").measure()
        kept[name] = [{**r.as_row(device), "of": name} for r in results]
        sys.stdout.write(table(results, device))
    rows = [row for name in ALL for row in kept.get(name, [])]
    text = json.dumps(rows, indent=2, ensure_ascii=False)
    RESULTS.write_text(f"{text}\n", encoding="utf-8")


def _kept(wanted: tuple[str, ...] | list[str]) -> dict[str, list[dict[str, Any]]]:
    """The rows of earlier runs that this one does not measure again."""
    kept: dict[str, list[dict[str, Any]]] = {}
    for row in json.loads(RESULTS.read_text("utf-8")) if RESULTS.exists() else []:
        if row.get("of") not in wanted:
            kept.setdefault(row.get("of", ""), []).append(row)
    return kept


if __name__ == "__main__":
    main()
