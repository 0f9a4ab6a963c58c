"""A hospital sends a labelled set, whose worker is killed, and reads its report."""

import os
import re
import signal
import zipfile
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from diagnosis.grading.scale import Grade
from diagnosis.management.commands.seed_demo import NEVER_TRAINED_ON
from diagnosis.training.phantoms import sample_image
from ledger.events import Event
from tests.journeys.conftest import SignIn
from tests.journeys.stack import Stack, eventually
from tests.journeys.test_worker_killed import (
    SWEPT_SECONDS,
    gpu_processes,
    holds_torch,
    owner_of,
)

pytestmark = [pytest.mark.journey, pytest.mark.slow]

EACH = 5


def archive(path: Path) -> Path:
    """Synthetic kidneys of each grade, and what lies about in such folders."""
    with zipfile.ZipFile(path, "w") as out:
        for place, grade in enumerate(Grade):
            for number in range(EACH):
                seed = NEVER_TRAINED_ON + 500 + EACH * place + number
                out.writestr(
                    f"{grade}/child-{seed}/{number}.png", sample_image(grade, seed)
                )
        out.writestr("notes.pdf", b"%PDF-1.7")
        out.writestr("../outside.png", b"")
        out.writestr(".DS_Store", b"")
    return path


def the_run(stack: Stack) -> dict[str, object]:
    with owner_of(stack) as owner:
        row = owner.execute(
            "SELECT *, (SELECT count(*) FROM diagnosis_setact a WHERE a.run_id = r.id"
            " AND event = %s) AS recorded FROM diagnosis_setrun r",
            [Event.DATA_SET_GRADED],
        ).fetchone()
    return row or {}


def send(page: Page, file: Path) -> None:
    page.get_by_role("link", name="Data sets").first.click()
    page.get_by_role("link", name="Send a data set").first.click()
    page.get_by_label("Name of the set").fill("Spring")
    page.get_by_label("Validate the networks on labelled images").check()
    page.locator("input[type=file]").set_input_files(file)
    page.get_by_role("button", name="Seal and look at it").click()
    heading = page.get_by_role("heading", name="What became of each file")
    expect(heading).to_be_visible(timeout=60_000)


def test_a_labelled_set_goes_through_the_exchange_and_is_measured(
    stack: Stack, sign_in: SignIn
):
    doctor = sign_in("doctor@northfield.example")
    send(doctor, archive(stack.var.parent / "set.zip"))
    expect(doctor.get_by_text("15 of 18 files")).to_be_visible()
    expect(doctor.get_by_text("This file is a PDF document")).to_be_visible()
    expect(doctor.get_by_text("leads out of the archive")).to_be_visible()

    workers = eventually(
        lambda: [pid for pid in gpu_processes(stack) if holds_torch(pid)],
        seconds=60,
        what="the gpu worker has loaded the networks",
    )
    doctor.get_by_role("button", name="Send to the diagnosis service").click()
    eventually(
        lambda: the_run(stack).get("done"),
        seconds=60,
        what="the first pictures are graded",
    )
    for pid in workers:
        os.kill(pid, signal.SIGKILL)
    killed_at = the_run(stack)
    assert killed_at["state"] != "done", "the worker was too quick to be killed"

    ended = eventually(
        lambda: (row := the_run(stack))["state"] in {"done", "failed"} and row,
        seconds=SWEPT_SECONDS,
        what="another worker goes on and ends the run",
    )
    assert isinstance(ended, dict)
    assert (ended["state"], ended["done"], ended["recorded"]) == ("done", 15, 1)

    address = f"{stack.url}/runs/{ended['id']}/"

    def is_measured() -> bool:
        doctor.goto(address)
        return doctor.get_by_role("heading", name="Measured with").count() > 0

    eventually(is_measured, seconds=300, what="the report is made")
    expect(
        doctor.get_by_text(re.compile(r"the model card's|their model card"))
    ).to_be_visible()
    expect(doctor.get_by_text("to come")).to_have_count(0)
    expect(doctor.get_by_text("CID_M").first).to_be_visible()
    with doctor.expect_download() as download:
        doctor.get_by_role("link", name="Download as CSV").click()
    table = Path(download.value.path()).read_text("utf-8-sig").splitlines()
    assert len(table) == 16

    doctor.get_by_role("button", name="Grade directly and compare").click()

    def is_compared() -> bool:
        doctor.goto(address)
        return doctor.get_by_text("all 15 pictures got the same answer").count() > 0

    eventually(is_compared, seconds=120, what="direct and exchanged grades compared")

    stranger = sign_in("doctor@lakeside.example")
    stranger.goto(address)
    expect(stranger.get_by_text("15 pictures")).to_have_count(0)
    verified = stack.manage("verify_ledger")
    assert verified.returncode == 0, verified.stdout + verified.stderr
