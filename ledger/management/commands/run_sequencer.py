"""Runs the sequencer of this site's log, with what asks its witnesses."""

import signal
from queue import SimpleQueue
from threading import Event, Thread
from types import FrameType
from typing import Any

from django.core.management.base import BaseCommand
from django.db import close_old_connections

from ledger.certifying import Promise
from ledger.errors import PolicyRejected
from ledger.sequencer import Sequencer
from ledger.service import Connection, Service
from ledger.site import connect, log_signer, origin, policy, site_certifier
from ledger.tireless import Tireless
from ledger.witnessing.asking import Asker, promises


class Command(BaseCommand):
    help = (
        "Enter queued statements in the log and have its checkpoints witnessed, until"
        " SIGTERM or Ctrl-C."
    )
    requires_system_checks = []

    def handle(self, *args: Any, **options: Any) -> None:
        stop = Event()

        def stop_soon(number: int, frame: FrameType | None) -> None:
            stop.set()

        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, stop_soon)
        late: SimpleQueue[Promise] = SimpleQueue()
        Thread(target=self._ask_witnesses, args=[stop, late], daemon=True).start()
        Service(
            connect=lambda: connect("anamnesis-sequencer"),
            sequencer=site_sequencer,
            promises=site_promises,
            late=late,
            stop=stop,
            say=self._say,
        ).run()
        self._say("The sequencer has stopped.")

    def _ask_witnesses(self, stop: Event, late: "SimpleQueue[Promise]") -> None:
        """In a thread of its own: whatever the witnesses do, the log goes on."""
        tireless = Tireless(
            stop=stop, say=self._say, waits="The witnesses are not asked"
        )

        def ask() -> None:
            with connect("anamnesis-asker") as connection:
                known = policy()
                tireless.goes_well(f"{len(known.witnesses)} witnesses are asked.")
                Asker(
                    connection,
                    origin=origin(),
                    signer=log_signer(),
                    policy=known,
                    stop=stop,
                    contradicted=late.put,
                ).run(outdated=lambda: policy() != known)

        tireless.run(ask)

    def _say(self, sentence: str) -> None:
        self.stdout.write(sentence)
        self.stdout.flush()


def site_sequencer(connection: Connection, beside: Connection) -> Sequencer:
    """A sequencer of this site's log, with the key as it is now."""
    close_old_connections()
    return Sequencer(connection, origin=origin(), certifier=site_certifier(beside))


def site_promises() -> list[Promise]:
    """What this site's witnesses hold of its log."""
    try:
        known = policy()
    except PolicyRejected:
        # Said by what asks the witnesses; the log must not wait for it.
        return []
    return promises(origin=origin(), signer=log_signer(), policy=known)
