"""Another version is registered, tried in shadow mode, activated, and taken back."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.diagnosis.weights import SHIPPED, weights_named
from tests.journeys.conftest import SignIn
from tests.journeys.stack import Stack, eventually
from tests.journeys.test_upload_to_grade import ask_for_grade, upload

pytestmark = [pytest.mark.journey, pytest.mark.slow]

SHADOW_SECONDS = 60


def decide(page: Page, version: str, decision: str, reason: str) -> None:
    page.get_by_role("link", name="Models").first.click()
    page.get_by_role("link", name=version, exact=True).click()
    page.get_by_role("link", name=decision, exact=True).click()
    page.get_by_label("Reason").fill(reason)
    page.get_by_role("button", name=decision, exact=True).click()
    expect(page.get_by_text(reason)).to_be_visible()


def grade(page: Page, stack: Stack, names: str) -> None:
    """A doctor's next grade names this version."""
    upload(page, stack, "Samuel Osei", "kidney-sfu-3.png")
    ask_for_grade(page)
    expect(page.get_by_text(f"Model {names}")).to_be_visible()


def compared(page: Page) -> str:
    """The comparison's page, where there is one already."""
    page.reload()
    link = page.get_by_role("link", name="Compare with the active version")
    if not link.count():
        return ""
    link.click()
    return page.get_by_role("main").inner_text()


def test_a_version_goes_from_the_command_to_doctors_and_back(
    stack: Stack, sign_in: SignIn
):
    folder = weights_named("journey-1", least_area=1.0)  # finds no kidney
    words = ("--intended-use", "A journey.", "--warnings", "It sees nothing.")
    done = stack.manage(
        "register_model", str(folder), *words, "--approved-by", "Sven Lindqvist"
    )
    assert done.returncode == 0, done.stderr

    doctor, staff = (
        sign_in(f"{name}.example") for name in ("doctor@northfield", "staff@service")
    )
    decide(staff, "journey-1", "Try in shadow mode", "To see what it changes.")
    grade(doctor, stack, SHIPPED)
    said = eventually(
        lambda: compared(staff), seconds=SHADOW_SECONDS, what="the shadow is compared"
    )
    assert re.search(r"Same answer\s+0 of 1", said)
    assert "too few images to decide by" in said

    decide(staff, "journey-1", "Activate", "The journey wants it so.")
    grade(doctor, stack, "journey-1")
    expect(doctor.get_by_role("heading", name="No kidney found")).to_be_visible()
    decide(staff, SHIPPED, "Activate", "The other one sees nothing.")
    grade(doctor, stack, SHIPPED)
    doctor.get_by_role("link", name=f"Model {SHIPPED}").click()
    expect(doctor.get_by_text("Not for clinical use.").first).to_be_visible()

    verified = stack.manage("verify_ledger")
    assert verified.returncode == 0, verified.stdout + verified.stderr
