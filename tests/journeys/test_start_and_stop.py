"""The portal starts, ends without a trace, and starts again with its data."""

import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.journeys.stack import (
    Stack,
    entries_of,
    eventually,
    free_port,
    start_stack,
)

pytestmark = [pytest.mark.journey, pytest.mark.slow]


@pytest.fixture
def own_stack() -> Iterator[Stack]:
    folder = Path(tempfile.mkdtemp(prefix="anamnesis-start-"))
    running = start_stack(folder / "var", free_port())
    yield running
    if running.process.poll() is None:
        running.stop()
    shutil.rmtree(folder, ignore_errors=True)


def test_a_witness_that_ends_is_started_again_beside_the_portal(own_stack: Stack):
    killed = witnesses(own_stack)
    assert len(killed) >= 3
    for pid in killed:
        os.kill(pid, signal.SIGKILL)
    eventually(
        lambda: len(witnesses(own_stack) - killed) >= 3,
        seconds=60,
        what="the witnesses are back",
    )
    assert own_stack.process.poll() is None
    assert own_stack.manage("verify_ledger").returncode == 0


def witnesses(stack: Stack) -> set[int]:
    """The processes that witness, without the shells around them."""
    found = set()
    for pid in stack.pids():
        with suppress(OSError):
            words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
            if words[1:3] == [b"manage.py", b"witness"]:
                found.add(pid)
    return found


def test_ctrl_c_ends_every_process_and_the_next_start_finds_everything(
    own_stack: Stack,
):
    settled = eventually(
        lambda: own_stack.manage("verify_ledger").returncode == 0,
        seconds=30,
        what="the ledger is sequenced and intact",
    )
    assert settled
    before = entries_of(own_stack.manage("verify_ledger").stdout)
    assert "parent@family.example" in own_stack.log.read_text()

    own_stack.stop()
    eventually(
        lambda: not own_stack.pids(), seconds=20, what="no process is left behind"
    )

    again = start_stack(own_stack.var, own_stack.port)
    try:
        assert entries_of(again.manage("verify_ledger").stdout) >= before > 20
        assert "Making the demo world" not in again.log.read_text()
    finally:
        again.stop()
    eventually(lambda: not again.pids(), seconds=20, what="nothing is left behind")
