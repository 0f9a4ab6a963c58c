"""A worker dies in the middle of a job: the job is taken up again and ends once."""

import os
import signal
from pathlib import Path

import psycopg
import pytest
from playwright.sync_api import Page, expect
from psycopg.rows import dict_row

from ledger.events import Event
from tests.journeys.conftest import SignIn
from tests.journeys.stack import Stack, eventually

pytestmark = [pytest.mark.journey, pytest.mark.slow]

SWEPT_SECONDS = 150
"""20 s of silence, at most a minute until the sweeper, and the grading itself."""


def owner_of(stack: Stack) -> "psycopg.Connection[dict[str, object]]":
    """Its database, asked by the login that owns the tables."""
    lines = (stack.var / "postgres" / "postmaster.pid").read_text().splitlines()
    place = f"host={lines[4]} port={lines[3]} dbname=anamnesis user=anamnesis_owner"
    return psycopg.connect(place, row_factory=dict_row)


def the_job(stack: Stack) -> dict[str, object]:
    """The newest job's row."""
    with owner_of(stack) as owner:
        row = owner.execute(
            "SELECT * FROM diagnosis_gradingjob ORDER BY requested_at DESC LIMIT 1"
        ).fetchone()
        assert row is not None
        row["recorded"] = owner.execute(
            "SELECT count(*) AS n FROM records_act WHERE event = %s AND metadata ->> 'job' = %s",
            [Event.GRADE_RECORDED, str(row["id"])],
        ).fetchone()["n"]  # type: ignore[index]
        return row


def gpu_processes(stack: Stack) -> list[int]:
    """The gpu cluster's processes, oldest first."""
    found = []
    for pid in stack.pids():
        try:
            environ = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
            command = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if b"Q_CLUSTER_NAME=gpu" in environ and b"work" in command:
            found.append(pid)
    return sorted(found)


def holds_torch(pid: int) -> bool:
    """Only the worker itself loads torch; its guard and helpers do not."""
    try:
        return "libtorch" in Path(f"/proc/{pid}/maps").read_text()
    except OSError:
        return False


def request_grade(page: Page, stack: Stack) -> None:
    page.get_by_role("link", name="Samuel Osei", exact=True).click()
    page.get_by_role("link", name="Add an image").click()
    page.locator("input[type=file]").set_input_files(
        stack.var / "demo" / "kidney-sfu-3.png"
    )
    page.get_by_role("button", name="Seal and add").click()
    page.get_by_role("link", name="Ask for an AI grade").click()
    page.get_by_role("button", name="Send and grade").click(no_wait_after=True)


def test_a_killed_worker_leaves_a_job_that_ends_once(stack: Stack, sign_in: SignIn):
    before = the_job(stack)["id"]
    workers = eventually(
        lambda: [pid for pid in gpu_processes(stack) if holds_torch(pid)],
        seconds=60,
        what="the gpu worker has loaded the networks",
    )
    doctor = sign_in("doctor@northfield.example")

    request_grade(doctor, stack)
    eventually(
        lambda: (
            the_job(stack)["id"] != before
            and the_job(stack)["state"] in {"preparing", "running"}
        ),
        seconds=30,
        what="a worker has taken the job",
    )
    for pid in workers:
        os.kill(pid, signal.SIGKILL)
    assert the_job(stack)["state"] != "done", "the worker was too quick to be killed"

    job = eventually(
        lambda: (row := the_job(stack))["state"] in {"done", "failed"} and row,
        seconds=SWEPT_SECONDS,
        what="another worker ends the job",
    )
    assert isinstance(job, dict)
    assert (job["state"], job["attempts"], job["recorded"]) == ("done", 2, 1)
    doctor.goto(f"{stack.url}/grades/{job['id']}/")
    expect(doctor.get_by_role("heading", level=2).first).to_contain_text("suggest")
