"""Commands say in one sentence what keeps them from working."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.core.management import call_command

from portal.environment import BASE
from tests.architecture.snapshots import snapshot
from tests.cast import Cast
from tests.environment import VAR

pytestmark = pytest.mark.slow


def manage(
    *command: str, var: Path, **environment: str
) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, str(BASE / "manage.py"), *command],
        env={**os.environ, "ANAMNESIS_VAR": str(var), **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def sentence(done: "subprocess.CompletedProcess[str]") -> str:
    """All that a command said before it stopped: one line, no traceback."""
    assert done.returncode == 1
    said = (done.stdout + done.stderr).strip()
    assert "\n" not in said
    assert "Traceback" not in said
    return said


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        yield other.getsockname()[1]


def test_a_taken_port_stops_the_start_before_anything_runs(
    taken_port: int, tmp_path: Path
):
    done = manage("start", var=tmp_path, PORT=str(taken_port))
    assert sentence(done) == (
        f"Port {taken_port} is taken. End the other program, or run:"
        f" PORT={taken_port + 1} make run"
    )
    assert not (tmp_path / "postgres").exists()


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({"PORT": "eighty"}, "PORT is 'eighty'; write a whole number."),
        ({"PORT": "70000"}, "PORT is 70000; write a number from 1 to 65535."),
        ({"DEBUG": "maybe"}, "DEBUG is 'maybe'; write true or false."),
        ({"MASTER_KEY": "abc"}, "The master key must be 64 hexadecimal digits."),
        ({"DATABASE_ROLE": "root"}, "DATABASE_ROLE is 'root'; write owner, web or"),
        ({"DATABASE_URL": "x://y"}, "DATABASE_URL must look like postgresql://"),
    ],
)
def test_a_wrong_variable_stops_the_start(
    environment: dict[str, str], said: str, tmp_path: Path
):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    done = manage("start", var=tmp_path, **{"PORT": port, **environment})
    assert sentence(done).startswith(said)
    assert not (tmp_path / "postgres").exists()


def test_a_master_key_that_others_can_read_stops_the_start(tmp_path: Path):
    key = tmp_path / "key"
    key.write_text("ab" * 32)
    key.chmod(0o644)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    done = manage(
        "start", var=tmp_path, PORT=port, MASTER_KEY="", MASTER_KEY_FILE=str(key)
    )
    assert f"Run: chmod 600 {key}" in sentence(done)


def test_a_database_that_does_not_run_is_said(tmp_path: Path):
    done = manage("showmigrations", var=tmp_path)
    assert "The database does not answer. Is the portal running?" in sentence(done)


def test_setup_under_another_master_key_says_so(cast: Cast):
    done = manage("setup", var=VAR, MASTER_KEY="ab" * 32)
    assert "The master key is not the one this database was set up with" in sentence(
        done
    )


def test_setup_twice_loses_and_changes_nothing(cast: Cast):
    before = snapshot()
    call_command("setup", verbosity=0)
    assert snapshot() == before
