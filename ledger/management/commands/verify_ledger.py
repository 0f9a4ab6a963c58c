"""Checks the whole log of this site."""

import json
from typing import Any

import psycopg
from django.core.management.base import BaseCommand, CommandError, CommandParser

from ledger.errors import LedgerError
from ledger.inspection import Ask, Report, inspect
from ledger.site import connect, log_signer, origin

NAME = "anamnesis-verify-ledger"
DISAGREES = 1
COULD_NOT_CHECK = 2


class Command(BaseCommand):
    help = (
        "Hash every entry again, holding it against chain, tree, columns and signed"
        " checkpoints. Exits with 1 and the first bad sequence number on any"
        " disagreement, with 2 where it could not check."
    )
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        report = checked()
        if options["json"]:
            self.stdout.write(as_json(report))
        else:
            self.stdout.write(in_words(report))
        if report.fault:
            self.stdout.flush()
            raise CommandError(report.fault.sentence, returncode=DISAGREES)


def checked() -> Report:
    """Inspect this site's log.

    Raises:
        CommandError: it could not be read, which says nothing about the log.
    """
    try:
        public_key = log_signer().public_key
        with connect(NAME) as connection, connect(NAME) as beside:
            return inspect(connection, beside, Ask(origin(), public_key))
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


def as_json(report: Report) -> str:
    """The report for programs."""
    fault = report.fault
    return json.dumps(
        {
            "origin": origin(),
            "intact": fault is None,
            "entries": report.entries,
            "certified": report.certified,
            "checkpoints": report.checkpoints,
            "first_bad": fault.seq if fault else None,
            "reason": fault.sentence if fault else None,
        }
    )


def in_words(report: Report) -> str:
    """The report for people; the last line says how many entries are intact."""
    covered = (
        f"Signed checkpoints: {report.checkpoints}; they cover the first"
        f" {report.certified} entries of {origin()}."
    )
    if report.fault:
        first_bad = f"The first bad sequence number is {report.fault.seq}."
        return f"{covered}\n{first_bad}\n{report.entries} entries before it are intact."
    return f"{covered}\n{report.entries} entries are intact."
