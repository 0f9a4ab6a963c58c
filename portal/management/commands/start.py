"""Starts the whole portal on this machine, and ends it again."""

import os
import signal
import socket
import subprocess
import sys
from argparse import ArgumentParser
from pathlib import Path
from threading import Event
from types import FrameType
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from portal.database import start_embedded
from portal.environment import BASE, EnvironmentProblem, text
from portal.master_keys import master_keys

"""What honcho returns at the end, after Ctrl-C, after SIGTERM."""


class Command(BaseCommand):
    help = "Start database, web, workers and sequencer; Ctrl-C ends them all."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--no-demo",
            action="store_true",
            help="leave out the demo world, whose passwords are public",
        )
        parser.add_argument(
            "--only",
            nargs="+",
            default=[],
            metavar="PROCESS",
            help="run these processes of the Procfile alone, e.g. web sequencer",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        port = int(text("PORT", "8000"))
        _check_port(port)
        master_keys()  # a key that is no key is said before anything starts
        if not text("DATABASE_URL"):
            _start_database()
        _manage("setup")
        _manage("collectstatic", "--noinput", "--verbosity=0")
        # The demo's passwords are public: never where others can sign in.
        demo = not (options["no_demo"] or settings.PUBLIC_URL.startswith("https:"))
        if demo:
            _manage("seed_demo")
        self.stdout.write(
            f"\nAnamnesis is at {settings.PUBLIC_URL} — Ctrl-C ends it.\n\n"
        )
        self.stdout.flush()
        _run_processes(port, _procfile(demo=demo), options["only"])


def _check_port(port: int) -> None:
    """Ask for the port before anything is started.

    Raises:
        EnvironmentProblem: another program listens there, or it is no port.
    """
    if not 0 < port < 65536:
        raise EnvironmentProblem(f"PORT is {port}; write a number from 1 to 65535.")
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise EnvironmentProblem(
                f"Port {port} is taken. End the other program, or run: PORT={port + 1} make run"
            ) from error


def _start_database() -> None:
    """Start PostgreSQL; it ends with this process."""
    try:
        start_embedded(settings.VAR / "postgres")
    except (subprocess.SubprocessError, OSError, AssertionError) as error:
        raise EnvironmentProblem(
            "The embedded database does not start;"
            f" {settings.VAR / 'postgres' / 'log'} says why."
        ) from error


def _manage(*command: str) -> None:
    """Run one of our commands in a process of its own, which finds the database up.

    Raises:
        SystemExit: it did not succeed.
    """
    done = subprocess.run(  # noqa: S603 our own command
        [sys.executable, str(BASE / "manage.py"), *command], check=False
    )
    if done.returncode:
        # The command has said why.
        sys.exit(done.returncode)


def _procfile(*, demo: bool) -> Path:
    """The Procfile, with the demo world's witnesses where there is one."""
    extra = settings.DEMO_PROCFILE
    if not demo or not extra.exists():
        return BASE / "Procfile"
    joined: Path = extra.with_name("Procfile")
    joined.write_text((BASE / "Procfile").read_text() + extra.read_text())
    return joined


def _run_processes(port: int, procfile: Path, only: list[str]) -> None:
    """Run the Procfile until Ctrl-C or until one of its processes ends."""
    environment = {
        **os.environ,
        "BIND": f"127.0.0.1:{port}",
        # honcho gives each process a PORT of its own; a worker's mails lead to ours.
        "PUBLIC_URL": settings.PUBLIC_URL,
        "PYTHONUNBUFFERED": "1",
    }
    run = ["-m", "honcho", "--procfile", str(procfile), "start", "--no-colour", *only]
    honcho = subprocess.Popen(  # noqa: S603 our own command
        [sys.executable, *run],
        cwd=BASE,
        env=environment,
    )
    is_asked = Event()

    def end(number: int, frame: FrameType | None) -> None:
        is_asked.set()
        honcho.terminate()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, end)
    honcho.wait()
    if not is_asked.is_set():
        raise EnvironmentProblem("Stopped: one of the portal's processes ended.")
