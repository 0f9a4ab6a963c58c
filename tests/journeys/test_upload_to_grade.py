"""A doctor uploads images and grades come back, sealed and on the ledger."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.journeys.conftest import SignIn
from tests.journeys.stack import Stack, entries_of

pytestmark = [pytest.mark.journey, pytest.mark.slow]

GRADE_SECONDS = 60
VERDICT_WORDS = re.compile(r"The networks suggest SFU (0-2|3|4)|No kidney found")


def upload(page: Page, stack: Stack, patient: str, file: str) -> None:
    page.get_by_role("link", name="Patients").click()
    page.get_by_role("link", name=patient, exact=True).click()
    page.get_by_role("link", name="Add an image").click()
    page.locator("input[type=file]").set_input_files(stack.var / "demo" / file)
    page.get_by_role("button", name="Seal and add").click()
    expect(page.get_by_text("The image is sealed and in the history.")).to_be_visible()


def ask_for_grade(page: Page) -> None:
    page.get_by_role("link", name="Ask for an AI grade").click()
    expect(page.get_by_role("heading", name="Taken out")).to_be_visible()
    page.get_by_role("button", name="Send and grade").click()
    expect(page.get_by_role("heading", name=VERDICT_WORDS)).to_be_visible(
        timeout=GRADE_SECONDS * 1000
    )


def test_a_doctor_uploads_asks_reads_and_overrules_and_the_guardian_sees_it_all(
    stack: Stack, sign_in: SignIn
):
    doctor = sign_in("doctor@northfield.example")

    upload(doctor, stack, "Lena Keller", "kidney-sfu-4.png")
    ask_for_grade(doctor)
    expect(
        doctor.get_by_role("heading", name="The networks suggest SFU 4")
    ).to_be_visible()
    doctor.get_by_label("I set another grade").check()
    doctor.get_by_label("Your grade, if it differs").select_option("SFU 3")
    doctor.get_by_label("Reason").fill("The parenchyma is not thin.")
    doctor.get_by_role("button", name="Keep my verdict").click()
    expect(doctor.get_by_text("The parenchyma is not thin.")).to_be_visible()
    expect(doctor.get_by_text("Dr Mei Lin sets SFU 3")).to_be_visible()
    expect(
        doctor.get_by_role("heading", name="The networks suggest SFU 4")
    ).to_be_visible()

    upload(doctor, stack, "Lena Keller", "ultrasound-30-frames.dcm")
    doctor.goto(f"{doctor.url}?frame=5")
    expect(doctor.get_by_alt_text("Ultrasound image, frame 5 of 30")).to_be_visible()
    ask_for_grade(doctor)

    guardian = sign_in("parent@family.example")
    guardian.get_by_role("link", name="Lena Keller", exact=True).click()
    expect(guardian.get_by_text("kidney-sfu-4.png").first).to_be_visible()
    expect(guardian.get_by_text("ultrasound-30-frames.dcm").first).to_be_visible()
    guardian.get_by_role("link", name=re.compile("gave its answer")).first.click()
    expect(guardian.get_by_role("heading", name=VERDICT_WORDS)).to_be_visible()

    guardian.get_by_role("link", name=re.compile("ledger", re.I)).last.click()
    verified = stack.manage("verify_ledger")
    assert verified.returncode == 0, verified.stdout + verified.stderr
    assert entries_of(verified.stdout) > 20
