"""A family moves: the new hospital sees the history once allowed, and no longer."""

import re

import pytest
from playwright.sync_api import expect

from tests.journeys.conftest import SignIn
from tests.journeys.stack import Stack

pytestmark = [pytest.mark.journey, pytest.mark.slow]
EARLIER_IMAGE = "left-kidney-101.png"


def test_the_new_hospital_sees_the_history_only_between_grant_and_withdrawal(
    stack: Stack, sign_in: SignIn
):
    doctor = sign_in("doctor@northfield.example")
    doctor.get_by_role("link", name="Lena Keller", exact=True).click()
    history = doctor.url
    expect(doctor.get_by_text(EARLIER_IMAGE)).to_have_count(0)

    guardian = sign_in("parent@family.example")
    guardian.get_by_role("link", name="Lena Keller", exact=True).click()
    expect(guardian.get_by_text(EARLIER_IMAGE).first).to_be_visible()
    child = guardian.url
    guardian.goto(f"{child}consents/")
    guardian.get_by_label("Hospital", exact=True).select_option(
        label="Northfield University Hospital"
    )
    guardian.get_by_role("button", name="See what this opens").click()
    expect(
        guardian.get_by_text(re.compile("will see [0-9]+ documents"))
    ).to_be_visible()
    guardian.get_by_role("button", name="Allow reading").click()
    expect(guardian.get_by_text("may now read: The whole history")).to_be_visible()

    doctor.goto(history)
    doctor.get_by_role("link", name="An ultrasound image was added.").last.click()
    expect(doctor.get_by_alt_text("Ultrasound image, frame 1 of 1")).to_be_visible()
    earlier = doctor.url

    guardian.goto(f"{stack.url}/who-looked/")
    expect(guardian.get_by_text("Dr Mei Lin").first).to_be_visible()
    guardian.goto(f"{child}consents/")
    guardian.get_by_role("link", name=re.compile("withdraw", re.I)).click()
    expect(guardian.get_by_text("cannot be unread")).to_be_visible()
    guardian.get_by_role("button", name=re.compile("withdraw", re.I)).click()
    expect(guardian.get_by_text("can no longer read the history")).to_be_visible()

    gone = doctor.goto(earlier)
    assert gone is not None
    assert gone.status == 404
    doctor.goto(history)
    expect(doctor.get_by_text(EARLIER_IMAGE)).to_have_count(0)

    stranger = sign_in("doctor@lakeside.example")
    answer = stranger.goto(history)
    assert answer is not None
    assert answer.status == 404
