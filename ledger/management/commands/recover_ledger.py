"""Restores the log's missing entries after the database came back from a backup."""

import os
import sys
from argparse import ArgumentParser
from threading import Event, Timer
from typing import Any

import psycopg
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from ledger.errors import LedgerError
from ledger.mirroring.recovery import Recovery
from ledger.mirroring.remote_log import Pass, RemoteLog
from ledger.service import Connection, wait_for_turn
from ledger.site import (
    connect,
    head_guard,
    log_key,
    log_signer,
    origin,
    policy,
    site_certifier,
)
from ledger.witnessing.asking import promises

ROLE = "sequencer"
TURN_S = 60.0


class Command(BaseCommand):
    help = (
        "Fetch the entries that this database lacks from a mirror of the log, check"
        " each, and let the sequencer go on."
    )
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        one = parser.add_mutually_exclusive_group(required=True)
        one.add_argument(
            "--from", dest="url", metavar="URL", help="the copy's address at a mirror"
        )
        one.add_argument(
            "--accept-database",
            action="store_true",
            help="where the file with the last signed head is lost and there is no mirror",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if settings.DATABASE_ROLE != ROLE:
            # Only the sequencer's login may enter anything in the log.
            environment = {**os.environ, "DATABASE_ROLE": ROLE}
            os.execve(sys.executable, [sys.executable, *sys.argv], environment)  # noqa: S606 our own command
        try:
            with connect("anamnesis-recovery") as connection:
                self._wait_for_turn(connection)
                self._recover(connection, options["url"])
        except psycopg.Error as error:
            reason = str(error).strip().splitlines()[0]
            raise CommandError(f"The recovery did not end well: {reason}") from error
        except LedgerError as error:
            raise CommandError(str(error)) from error

    def _recover(self, connection: Connection, url: str | None) -> None:
        signer, known = log_signer(), policy()
        key = log_key()
        recovery = Recovery(
            connection,
            certifier=site_certifier(connection),
            guard=head_guard(),
            key=key,
            witnesses=known.witness_keys,
            promises=promises(origin=origin(), signer=signer, policy=known),
        )
        if url is None:
            size = recovery.accept_database()
            self.stdout.write(
                f"The database is believed; the log holds {size} entries."
            )
            return
        remote = RemoteLog(key=key, url=url, admission=Pass(key.name, signer))
        if fetched := recovery.fetch(remote):
            self.stdout.write(
                f"{fetched} entries were missing and are back, each checked. The"
                " sequencer goes on by itself."
            )
        else:
            self.stdout.write(
                "Nothing was missing; the mirror holds no more than this."
            )

    def _wait_for_turn(self, connection: Connection) -> None:
        given_up = Event()
        timer = Timer(TURN_S, given_up.set)
        timer.start()
        try:
            wait_for_turn(connection, stop=given_up, tell=self.stdout.write)
        finally:
            timer.cancel()
        if given_up.is_set():
            raise CommandError(
                "A sequencer is at work on this log, so it needs no recovery."
            )
