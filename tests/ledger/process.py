"""A management command in a process of its own, on the test's database."""

import os
import subprocess
import sys
from dataclasses import dataclass

from django.conf import settings

from portal.database import Role

RUN = """
import sys, django
from django.conf import settings
settings.DATABASES["default"]["NAME"] = sys.argv[1]
django.setup()
from django.core.management import ManagementUtility
from portal.row_security import UPKEEP, in_the_name_of
with in_the_name_of(UPKEEP):
    ManagementUtility(["manage.py", *sys.argv[2:]]).execute()
"""


@dataclass(frozen=True)
class Process:
    """What it has said is read line by line; the test's timeout guards the wait."""

    popen: subprocess.Popen[str]

    def says(self, sentence: str) -> str:
        """Read on until a line holds the sentence."""
        assert self.popen.stdout
        for line in self.popen.stdout:
            if sentence in line:
                return line
        raise AssertionError(f"It ended without saying: {sentence}")

    def stop(self, number: int) -> int:
        """Send a signal; returns the exit status."""
        self.popen.send_signal(number)
        return self.popen.wait(timeout=20)


def start(database: str, role: Role, *command: str) -> Process:
    """Run a command as one of the product's logins."""
    popen = subprocess.Popen(
        [sys.executable, "-c", RUN, database, *command],
        env={
            **os.environ,
            "DATABASE_ROLE": role,
            "LEDGER_HEAD": str(settings.LEDGER_HEAD),
            "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    return Process(popen)
