"""Runs the sequencer of this site's log."""

import signal
from threading import Event
from types import FrameType
from typing import Any

from django.core.management.base import BaseCommand
from django.db import close_old_connections

from ledger.sequencer import Sequencer
from ledger.service import Connection, Service
from ledger.site import connect, origin, site_certifier


class Command(BaseCommand):
    help = "Enter queued statements in the log, until SIGTERM or Ctrl-C."
    requires_system_checks = []

    def handle(self, *args: Any, **options: Any) -> None:
        stop = Event()

        def stop_soon(number: int, frame: FrameType | None) -> None:
            stop.set()

        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, stop_soon)
        Service(
            connect=lambda: connect("anamnesis-sequencer"),
            sequencer=site_sequencer,
            promises=tuple,
            stop=stop,
            say=self._say,
        ).run()
        self._say("The sequencer has stopped.")

    def _say(self, sentence: str) -> None:
        self.stdout.write(sentence)
        self.stdout.flush()


def site_sequencer(connection: Connection, beside: Connection) -> Sequencer:
    """A sequencer of this site's log, with the key as it is now."""
    close_old_connections()
    return Sequencer(connection, origin=origin(), certifier=site_certifier(beside))
