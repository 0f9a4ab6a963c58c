"""Runs a witness of its own: for a hospital that does not trust the portal's word."""

import socket
from argparse import ArgumentParser
from collections.abc import Callable
from pathlib import Path
from threading import Event, Thread
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from gunicorn.app.base import BaseApplication

from ledger.errors import LedgerError
from ledger.policy import Policy, read_policy
from ledger.witnessing.folder import WitnessFolder
from ledger.witnessing.rounds import Rounds
from ledger.witnessing.wsgi import WitnessApp


class Command(BaseCommand):
    help = (
        "Cosign the checkpoints of the logs that a policy file names, keep a copy of"
        " those that admit this witness, and compare what other witnesses have seen."
    )
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("folder", type=Path, help="its keys, state and copies")
        parser.add_argument("--name", default="", help="needed once, to make it")
        parser.add_argument("--policy", type=Path, help="a C2SP policy file")
        parser.add_argument("--bind", default="127.0.0.1:8100", metavar="HOST:PORT")
        parser.add_argument(
            "--keys", action="store_true", help="only print its verifier keys"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            folder = WitnessFolder(options["folder"], name=options["name"])
            if options["keys"]:
                self.stdout.write(f"witness {folder.key}\nmirror {folder.mirror_key}")
                return
            policy = _read(options["policy"])
            _check_free(options["bind"])
        except LedgerError as error:
            raise CommandError(str(error)) from error
        except OSError as error:
            raise CommandError(
                f"{options['folder']} cannot be a witness's folder ({error.strerror})."
            ) from error
        Server(folder, policy, options["bind"], say=self._say).run()

    def _say(self, sentence: str) -> None:
        self.stdout.write(sentence)
        self.stdout.flush()


def _read(path: Path | None) -> Policy:
    if path is None or not path.is_file():
        raise CommandError("Name a policy file that is there: --policy FILE.")
    policy = read_policy(path)
    if not policy.logs:
        raise CommandError(f"{path} names no log, so there is nothing to witness.")
    return policy


def _check_free(bind: str) -> None:
    """Ask for the address before gunicorn does, which would ask again and again."""
    host, _, port = bind.rpartition(":")
    if not host or not port.isdecimal() or not 0 < int(port) < 65536:
        raise CommandError(f"--bind {bind} does not read HOST:PORT.")
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, int(port)))
        except OSError as error:
            raise CommandError(
                f"Nothing can listen at {bind} ({error.strerror}). Name another --bind."
            ) from error


class Server(BaseApplication):  # type: ignore[misc] # gunicorn has no types
    """One gunicorn worker with threads, with the witness's rounds beside it."""

    def __init__(
        self,
        folder: WitnessFolder,
        policy: Policy,
        bind: str,
        say: Callable[[str], None],
    ) -> None:
        self._folder = folder
        self._policy = policy
        self._bind = bind
        self._say = say
        super().__init__()

    def load_config(self) -> None:
        """Called by gunicorn."""
        settings = {
            "bind": self._bind,
            "workers": 1,
            "worker_class": "gthread",
            "threads": 32,
            "timeout": 60,
            "graceful_timeout": 2,
            "loglevel": "warning",
            "control_socket_disable": True,
            "when_ready": self._tell,
        }
        for name, value in settings.items():
            self.cfg.set(name, value)

    def _tell(self, arbiter: object) -> None:
        self._say(f"{self._folder.name} witnesses at http://{self._bind}")

    def load(self) -> WitnessApp:
        """Called by gunicorn in its worker."""
        news = Event()
        rounds = Rounds(self._folder, self._policy, say=self._say)
        events = {"news": news, "stop": Event()}
        Thread(target=rounds.run, kwargs=events, daemon=True).start()
        return WitnessApp(self._folder, self._policy, seen=news.set)
