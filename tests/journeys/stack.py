"""The whole portal, started as a user starts it."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from portal.environment import BASE

START_SECONDS = 180
T = TypeVar("T")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def eventually(ask: Callable[[], T], *, seconds: float, what: str) -> T:
    """The first true answer; asks often, fails with what was waited for."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if answer := ask():
            return answer
        time.sleep(0.1)
    raise AssertionError(f"Not within {seconds} s: {what}")


@dataclass
class Stack:
    """A running portal in a folder of its own."""

    var: Path
    port: int
    log: Path
    process: "subprocess.Popen[bytes]"
    given: dict[str, str] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def environment(self) -> dict[str, str]:
        return stack_environment(self.var, self.port) | self.given

    def manage(self, *command: str) -> "subprocess.CompletedProcess[str]":
        """Run a management command beside the running portal."""
        return subprocess.run(
            [sys.executable, str(BASE / "manage.py"), *command],
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )

    def answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/alive/", timeout=2) as answer:
                return bool(json.load(answer)["alive"])
        except OSError:
            return False

    def pids(self) -> set[int]:
        """Every process of this portal, by the folder in its environment."""
        mark = f"ANAMNESIS_VAR={self.var}".encode()
        found = set()
        for environ in Path("/proc").glob("[0-9]*/environ"):
            try:
                if mark in environ.read_bytes().split(b"\0"):
                    found.add(int(environ.parent.name))
            except OSError:
                continue
        return found - {os.getpid()}

    def stop(self) -> None:
        """End it as Ctrl-C does: every process of the terminal's group gets SIGINT."""
        os.killpg(self.process.pid, signal.SIGINT)
        self.process.wait(timeout=60)


def stack_environment(var: Path, port: int) -> dict[str, str]:
    kept = {
        k: v for k, v in os.environ.items() if k not in {"MASTER_KEY", "SECRET_KEY"}
    }
    return {
        **kept,
        "ANAMNESIS_VAR": str(var),
        "PORT": str(port),
        "PYTHONWARNINGS": "ignore",
        "DJANGO_SETTINGS_MODULE": "portal.settings",
    }


def start_stack(var: Path, port: int, *options: str, **given: str) -> Stack:
    """Start the portal, in a process group of its own, until it answers.

    Args:
        var: its folder.
        port: its port on the loopback.
        options: of `manage.py start`.
        given: environment variables.
    """
    log = var.parent / f"{var.name}-{port}.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, str(BASE / "manage.py"), "start", *options],
            env=stack_environment(var, port) | given,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    stack = Stack(var, port, log, process, given)
    eventually(
        lambda: process.poll() is not None or stack.answers(),
        seconds=START_SECONDS,
        what=f"the portal answers; see {log}",
    )
    assert process.poll() is None, log.read_text()
    return stack


def entries_of(verified: str) -> int:
    """How many entries `verify_ledger` says are intact."""
    found = re.search(r"(\d[\d,]*) entr", verified)
    assert found, verified
    return int(found[1].replace(",", ""))
