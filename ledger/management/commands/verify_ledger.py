"""Checks the whole log of this site."""

import json
from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from django.core.management.base import BaseCommand, CommandError

from ledger.author_checks import AuthorChecks
from ledger.body_checks import BodyReport, sample_bodies
from ledger.entry_checks import Fault
from ledger.errors import LedgerError
from ledger.inspection import Ask, Progress, Report, inspect
from ledger.management.progress import bar
from ledger.site import (
    author_keys,
    connect,
    head_guard,
    log_signer,
    origin,
    policy,
)

NAME = "anamnesis-verify-ledger"
DISAGREES = 1
COULD_NOT_CHECK = 2


class Command(BaseCommand):
    help = (
        "Hash every entry again, holding it against chain, tree, tiles, columns, signed"
        " checkpoints and cosignatures. Exits with 1 and the first bad sequence number"
        " on any disagreement, with 2 where it could not check."
    )
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="one JSON object")
        parser.add_argument(
            "--since",
            type=_count,
            default=0,
            metavar="SIZE",
            help="go on from a checkpoint of this size, found intact before",
        )
        parser.add_argument(
            "--signatures",
            action="store_true",
            help="check each author's signature too, on every core",
        )
        parser.add_argument(
            "--bodies",
            type=_count,
            default=0,
            metavar="N",
            help="fetch and hash again what N entries name, drawn at random",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        with could_check():
            keys = AuthorChecks(author_keys) if options["signatures"] else None
            report = checked(options["since"], keys, bar(self.stderr))
            bodies = sample_bodies(options["bodies"])
        fault = report.fault or next(iter(bodies.faults), None)
        if options["json"]:
            self.stdout.write(as_json(report, keys, bodies, fault))
        else:
            self.stdout.write(in_words(report, keys, bodies))
        if fault:
            self.stdout.flush()
            raise CommandError(fault.sentence, returncode=DISAGREES)


def checked(since: int, keys: AuthorChecks | None, progress: Progress) -> Report:
    """Inspect this site's log.

    Raises:
        psycopg.Error: it could not be read, which says nothing about the log.
        LedgerError: the same, or there is no checkpoint to start from.
    """
    ask = Ask(
        origin(),
        log_signer().public_key,
        witnesses=policy().witness_keys,
        since=since,
        kept=[kept] if (kept := head_guard().read()) else [],
    )
    with connect(NAME) as connection, connect(NAME) as beside:
        if keys is None:
            return inspect(connection, beside, ask, progress=progress)
        with keys:
            return inspect(connection, beside, ask, also=keys, progress=progress)


@contextmanager
def could_check() -> Iterator[None]:
    """Tell a log that cannot be read from one that is damaged.

    Raises:
        CommandError: in one sentence, with status 2.
    """
    try:
        yield
    except psycopg.OperationalError as error:
        raise CommandError(
            "The log could not be checked: the database does not answer."
            " Is the portal running?",
            returncode=COULD_NOT_CHECK,
        ) from error
    except (psycopg.Error, LedgerError) as error:
        reason = str(error).strip().splitlines()[0]
        raise CommandError(
            f"The log could not be checked: {reason}", returncode=COULD_NOT_CHECK
        ) from error


def _count(text: str) -> int:
    if not (text.isascii() and text.isdecimal()):
        raise ArgumentTypeError(f"{text} is no number from 0 on")
    return int(text)


def as_json(
    report: Report, keys: AuthorChecks | None, bodies: BodyReport, fault: Fault | None
) -> str:
    """The report for programs."""
    return json.dumps(
        {
            "origin": origin(),
            "intact": fault is None,
            "entries": report.entries,
            "certified": report.certified,
            "checkpoints": report.checkpoints,
            "witnessed": dict(report.witnessed),
            "signatures": keys.checked if keys else None,
            "bodies": bodies.checked,
            "not_kept_here": bodies.elsewhere,
            "first_bad": fault.seq if fault else None,
            "reason": fault.sentence if fault else None,
        }
    )


def in_words(report: Report, keys: AuthorChecks | None, bodies: BodyReport) -> str:
    """The report for people; the last line says how many entries are intact."""
    covered = f"they cover the first {report.certified} entries of {origin()}."
    lines = [f"Signed checkpoints: {report.checkpoints}; {covered}"]
    lines += [
        f"{name} has cosigned the first {size}."
        for name, size in sorted(report.witnessed.items())
    ]
    if keys:
        lines.append(f"Authors' signatures checked: {keys.checked}.")
    if bodies.checked or bodies.elsewhere:
        lines.append(
            f"Contents fetched and hashed again: {bodies.checked},"
            f" {len(bodies.faults)} of them damaged; not kept here: {bodies.elsewhere}."
        )
        lines += [fault.sentence for fault in bodies.faults]
    if report.fault:
        lines.append(f"The first bad sequence number is {report.fault.seq}.")
        lines.append(f"{report.entries} entries before it are intact.")
    else:
        lines.append(f"{report.entries} entries are intact.")
    return "\n".join(lines)
