"""The ledger's benchmark itself, in a process with a database of its own."""

import os
import resource
import statistics
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.result import Result
from benchmarks.site import report, start

if TYPE_CHECKING:
    from benchmarks.ledger_load import Load

ENTRIES = int(os.environ.get("LEDGER_ENTRIES", "1000000"))
BATCH = 1_000
CLIENTS, ROUNDS, SECONDS = 32, 5, 4
FLUSHES_MS = (0, 2, 5)  # on top of the disk's own: most have a slower one


def main() -> None:
    """Measure everything, the large log last."""
    start()
    # Imported here: they need Django.
    from benchmarks.ledger_load import Load

    load = Load()
    results = [*appending(load), *sequencing(load)]
    load.empty()
    load.fill(ENTRIES)
    results += [*inspecting(load), *proving(load)]
    report(results)


def appending(load: "Load") -> Iterator[Result]:
    """Queued and sequenced appends beside plain inserts, in turns."""
    for flush_ms in FLUSHES_MS:
        load.commit_delay(flush_ms)
        ratios, rates = [], []
        for _ in range(ROUNDS):
            plain = load.plain(CLIENTS, SECONDS)
            appended = load.appended(CLIENTS, SECONDS)
            ratios.append(appended / plain)
            rates.append(appended)
        disk = f"a flush of {flush_ms} ms more" if flush_ms else "this disk's flush"
        yield Result(
            f"append and sequence ÷ plain INSERT, {disk}",
            statistics.median(ratios),
            "×",
            0.9,
            f"{CLIENTS} connections, median of {ROUNDS} turns, one row each;"
            f" {statistics.median(rates):,.0f} appends/s",
            "≥",
        )
    load.commit_delay(0)


def sequencing(load: "Load") -> Iterator[Result]:
    """The sequencer alone, on a full inbox."""
    load.empty()
    rates = []
    for _ in range(ROUNDS):
        load.queue(50_000)
        rates.append(load.drain(BATCH))
    yield Result(
        "sequencer alone",
        statistics.median(rates),
        "entries/s",
        40_000,
        f"batches of {BATCH}, signed and read back, median of {ROUNDS} × 50,000",
        "≥",
    )


def inspecting(load: "Load") -> Iterator[Result]:
    """The whole log again, beside bare hashing of the same bytes."""
    ratios, rates = [], []
    for _ in range(ROUNDS):
        bare = load.bare_hashing()
        rate = load.inspect()
        ratios.append(rate / bare)
        rates.append(rate)
    yield Result(
        f"inspection of {ENTRIES:,} ÷ bare hashlib",
        statistics.median(ratios),
        "×",
        0.4,
        f"two SHA-256 an entry, median of {ROUNDS}; {statistics.median(rates):,.0f} entries/s",
        "≥",
    )
    subprocess.run(
        [sys.executable, "manage.py", "verify_ledger", "--json"],
        check=True,
        cwd=Path(__file__).parent.parent,
        stdout=subprocess.DEVNULL,
    )
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    yield Result(
        f"verify_ledger of {ENTRIES:,}, peak memory", peak, "MiB", 200, "whole process"
    )


def proving(load: "Load") -> Iterator[Result]:
    """Inclusion proofs of entries drawn at random."""
    yield Result(
        f"inclusion proofs from tiles at {ENTRIES:,}",
        statistics.median(load.prove(4_000) for _ in range(ROUNDS)),
        "proofs/s",
        2_000,
        f"random entries, a database query each, median of {ROUNDS} × 4,000",
        "≥",
    )


if __name__ == "__main__":
    main()
