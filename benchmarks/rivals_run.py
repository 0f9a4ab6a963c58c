"""The rivals' benchmark itself, in a process with a database of its own."""

import os
import statistics
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from benchmarks.result import Result
from benchmarks.site import report

if TYPE_CHECKING:
    from benchmarks.rivals_site.models import Document
    from benchmarks.rivals_site.ways import Way

ROUNDS, ROWS = 41, 100
SEQUENCED = "ledger.append(), sequenced"

Drain = Callable[[], int]
"""Enters what is queued into the log; says how many statements that were."""

Rates = dict[tuple[str, str], list[float]]
"""What was done and in which way → rows a second, one figure for each round."""


def main() -> None:
    """Set the site up, measure in turns, look whether everything is on record."""
    os.environ["DJANGO_SETTINGS_MODULE"] = "benchmarks.rivals_site.settings"
    start()
    # Imported here: they need Django.
    from benchmarks.rivals_site.ways import LEDGER, PLAIN, RIVALS

    with sequencer() as drain:
        rates = in_turns([PLAIN, *RIVALS, LEDGER], drain)
    keeps = {way.name: way.keeps for way in (*RIVALS, LEDGER)}
    keeps[SEQUENCED] = f"the sequencer's work added on, a batch for each {ROWS}"
    for way in (*RIVALS, LEDGER):
        if way.recorded() != 2 * ROWS * (ROUNDS + 1):
            raise SystemExit(f"{way.name} has not recorded every event once.")
    report([r for what in ("create", "update") for r in figures(what, rates, keeps)])


def start() -> None:
    """Start the server; make the tables of the rivals and of the ledger."""
    # Imported here: settings are read from the environment that was just made.
    from portal.database import ensure_roles_and_database, start_embedded
    from portal.environment import var

    start_embedded(var() / "postgres")
    ensure_roles_and_database()
    import django
    import pgtrigger

    django.setup()
    from django.core.management import call_command

    # Twice: tables without migrations come first, yet refer to those that have some.
    call_command("migrate", verbosity=0)
    call_command("migrate", run_syncdb=True, verbosity=0)
    pgtrigger.install()


@contextmanager
def sequencer() -> Iterator[Drain]:
    """The ledger's sequencer, in this process."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    from ledger.certifying import Certifier
    from ledger.head_guard import HeadGuard
    from ledger.sequencer import Sequencer
    from ledger.signing import Ed25519Signer
    from ledger.site import connect, origin
    from portal.environment import var

    signer = Ed25519Signer(Ed25519PrivateKey.generate())
    guard = HeadGuard(var() / "ledger-head")
    with connect("benchmark") as login, connect("benchmark") as beside:
        certifier = Certifier(beside, origin=origin(), signer=signer, guard=guard)
        at_work = Sequencer(login, origin=origin(), certifier=certifier)
        at_work.resume()
        yield at_work.drain


def in_turns(ways: Sequence["Way"], drain: Drain) -> Rates:
    """Let every way do the same in every round."""
    rates: Rates = defaultdict(list)
    for number in range(ROUNDS + 1):
        for done, took in one_round(ways, drain).items():
            if number:  # the round before the first only warms up
                rates[done].append(ROWS / took)
    return rates


def one_round(ways: Sequence["Way"], drain: Drain) -> dict[tuple[str, str], float]:
    """Make some rows, then change each; says what was done, how, in how many seconds.

    The ways take turns row by row, each row beginning with another, so that whatever
    else the machine does meanwhile holds all of them up alike.
    """
    from benchmarks.rivals_site.ways import LEDGER, new_cid

    rows: dict[Way, list[Document]] = {way: [] for way in ways}

    def create(way: "Way", cid: str, _: int) -> None:
        rows[way].append(way.create(cid))

    def update(way: "Way", cid: str, number: int) -> None:
        way.update(rows[way][number], cid)

    took: dict[tuple[str, str], float] = defaultdict(float)
    for act in (create, update):
        what = act.__name__
        for number in range(ROWS):
            cid, first = new_cid(), number % len(ways)
            for way in (*ways[first:], *ways[:first]):
                started = time.perf_counter()
                act(way, cid, number)
                took[what, way.name] += time.perf_counter() - started
        started = time.perf_counter()
        drain()
        drained = time.perf_counter() - started
        took[what, SEQUENCED] = took[what, LEDGER.name] + drained
    return took


def figures(what: str, rates: Rates, keeps: dict[str, str]) -> Iterator[Result]:
    """Each way's rate beside the plain rate of the same round."""
    plain = rates[what, "plain"]
    for name, kept in keeps.items():
        own = rates[what, name]
        yield Result(
            f"{what}, {name} ÷ plain ORM",
            statistics.median(a / b for a, b in zip(own, plain, strict=True)),
            "×",
            None,
            f"{statistics.median(own):,.0f} rows/s against"
            f" {statistics.median(plain):,.0f}, median of {ROUNDS} rounds; {kept}",
            "≥",
        )


if __name__ == "__main__":
    main()
