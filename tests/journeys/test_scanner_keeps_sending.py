"""A scanner and a portal that die in the middle lose no image and double none."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest

from ledger.events import Event
from portal.environment import BASE
from tests.diagnosis.imaging.files import dicom, picture
from tests.journeys.stack import Stack, eventually, free_port, start_stack

pytestmark = [pytest.mark.journey, pytest.mark.slow]

IMAGES = 24
ENROL = """
from datetime import timedelta
from django.utils import timezone
from portal.acting import acting_for
from portal.models import User
from portal.row_security import UPKEEP, in_the_name_of
from records.actions.devices import NewDevice, enrol_device
from records.permissions import wards
with in_the_name_of(UPKEEP):
    by = acting_for(User.objects.get(email="parent@family.example"), None)
    child = wards(by.user).get()
    new = NewDevice(
        name="Scanner at home",
        institution=child.enrolments.get(ended_at=None).institution,
        for_family=True,
        until=timezone.now() + timedelta(days=1),
    )
    device, token = enrol_device(new=new, patients=[child], by=by)
print("enrolled", device.ae_title, token)
"""


@pytest.fixture
def portal() -> Iterator[Stack]:
    """A demo portal with its web alone, that may be killed."""
    # Not pytest's own folder: as root, the database runs as a user who may not enter it.
    folder = Path(tempfile.mkdtemp(prefix="anamnesis-scanner-"))
    stack: Stack | None = None
    try:
        stack = started(folder / "var", free_port())
        yield stack
    finally:
        for pid in pids_of(folder / "var"):
            os.kill(pid, signal.SIGKILL)
        if stack is not None:
            stack.process.wait()
        shutil.rmtree(folder, ignore_errors=True)


def started(var: Path, port: int) -> Stack:
    # No limit on the rate: the test is not to wait for minutes.
    return start_stack(var, port, "--only", "web", DEVICE_RATE="100000")


def enrolled(stack: Stack) -> tuple[str, str]:
    """AE title and token of a device of the demo's family."""
    done = stack.manage("shell", "--no-imports", "-c", ENROL)
    assert done.returncode == 0, done.stderr
    title, token = done.stdout.split("enrolled", 1)[1].split()
    return title, token


def count(stack: Stack) -> tuple[int, int, int]:
    """Received images, documents among them, acts that tell of them."""
    lines = (stack.var / "postgres" / "postmaster.pid").read_text().splitlines()
    place = f"host={lines[4]} port={lines[3]} dbname=anamnesis user=anamnesis_owner"
    with psycopg.connect(place) as owner:
        row = owner.execute(
            "SELECT (SELECT count(*) FROM records_received),"
            " (SELECT count(DISTINCT document_id) FROM records_received),"
            " (SELECT count(*) FROM records_act"
            "   WHERE device_id IS NOT NULL AND event = %s)",
            [Event.DOCUMENT_ADDED],
        ).fetchone()
    assert row is not None
    return row[0], row[1], row[2]


@contextmanager
def scanner(
    queue: Path, log: Path, *options: str
) -> Iterator["subprocess.Popen[bytes]"]:
    """`manage.py demo_scanner` as a process of its own, which knows no database."""
    with log.open("ab") as output:
        process = subprocess.Popen(
            [
                sys.executable,
                str(BASE / "manage.py"),
                "demo_scanner",
                str(queue),
                *options,
            ],
            env={
                **os.environ,
                "ANAMNESIS_VAR": str(queue.parent / "nothing"),
                "PYTHONWARNINGS": "ignore",
            },
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


@pytest.mark.parametrize("by", ["rest", "stow"])
def test_killed_servers_and_scanners_lose_nothing_and_double_nothing(
    portal: Stack, tmp_path: Path, by: str
):
    _title, token = enrolled(portal)
    secret = tmp_path / "token"
    secret.write_text(token)
    queue, log = tmp_path / "queue", tmp_path / "scanner.log"
    sending = ["--to", portal.url, "--token-file", str(secret), "--by", by]

    images = tmp_path / "images"
    images.mkdir()
    for number in range(IMAGES):
        (images / f"{number:02}.dcm").write_bytes(dicom(picture(seed=number)))

    with scanner(queue, log, *sending, "--folder", str(images)):
        eventually(
            lambda: count(portal)[0] >= 3, seconds=240, what=f"some arrived; see {log}"
        )
        # The web dies between a commit and its answer, or anywhere else.
        for pid in web_processes(portal):
            os.kill(pid, signal.SIGKILL)
        portal.process.wait(timeout=60)
        eventually(
            lambda: not portal.answers(), seconds=30, what="nobody answers any more"
        )
    # Here the scanner was killed too. What it had queued is on its disk.
    assert list(queue.glob("*.dcm")), "everything was sent before the kill"

    again = started(portal.var, portal.port)
    portal.process = again.process
    with scanner(queue, log, *sending) as sender:
        eventually(
            lambda: count(portal)[0] >= 8, seconds=240, what=f"more arrived; see {log}"
        )
        sender.kill()
    with scanner(queue, log, *sending) as sender:
        assert sender.wait(timeout=180) == 0, log.read_text()
    assert count(portal) == (IMAGES, IMAGES, IMAGES)
    assert not list(queue.iterdir())


def pids_of(var: Path) -> set[int]:
    """Every process of the portal in this folder, started whole or not."""
    return Stack(var, 0, var, None).pids()  # type: ignore[arg-type] # only its folder


def web_processes(stack: Stack) -> list[int]:
    """gunicorn's, the parent first, so that it starts no other worker."""

    def command(pid: int) -> Any:
        try:
            return Path(f"/proc/{pid}/cmdline").read_bytes()
        except OSError:
            return b""

    return sorted(pid for pid in pids_of(stack.var) if b"portal.wsgi" in command(pid))
