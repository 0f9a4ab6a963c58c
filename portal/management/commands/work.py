"""Runs one cluster of background workers, and ends it whole.

django-q's cluster hangs when SIGTERM reaches all of its processes at once, which is how
process managers end a service: the guard dies while it sleeps on the event that its
parent then sets, and the parent waits for it to wake. So the guard and its helpers are
started with the signal blocked; the parent alone hears it and winds them up in order.
"""

import signal
from typing import Any

from django_q.management.commands.qcluster import Command as QCluster
from django_q.signals import post_spawn

ENDING = {signal.SIGTERM, signal.SIGINT}


class Command(QCluster):  # type: ignore[misc] # django-q has no types
    help = "Run a cluster of background workers; Q_CLUSTER_NAME says which."

    def handle(self, *args: Any, **options: Any) -> None:
        post_spawn.connect(_listen)
        signal.pthread_sigmask(signal.SIG_BLOCK, ENDING)
        super().handle(*args, **options)
        _listen()


def _listen(**_: Any) -> None:
    """Hear the signals again: the parent ends all, a worker that hangs ends itself."""
    signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDING)
