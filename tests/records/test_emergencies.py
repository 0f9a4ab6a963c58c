"""In an emergency a doctor reads everything, for an hour, and everybody concerned knows."""

from datetime import timedelta
from smtplib import SMTPRecipientsRefused

import pytest
from django.core import mail
from django.db import IntegrityError, transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from django_q.models import OrmQ

from ledger.events import Event
from portal.errors import Refused
from portal.row_security import in_the_name_of
from records import tasks
from records.access import patient_in_emergency
from records.actions.documents import open_document
from records.actions.emergencies import open_emergency, review_emergency
from records.models import Act, EmergencyAccess, KeyWrap
from records.permissions import Relation, may_add_document, relation
from records.tasks import tell_of_emergency
from tests.cast import (
    CHILD,
    CHILD_BORN,
    EMERGENCY,
    IMAGE_A,
    IMAGE_B,
    PASSWORD,
    Cast,
    add_image,
    email,
    picture,
)

ASKED = {"reason": EMERGENCY, "password": PASSWORD}


def end(access: EmergencyAccess) -> None:
    """Let the hour pass, as the clock would."""
    now = timezone.now()
    EmergencyAccess.objects.filter(pk=access.pk).update(
        opened_at=now - timedelta(minutes=61), until=now - timedelta(minutes=1)
    )


# Reading


def test_a_doctor_who_never_saw_the_child_reads_everything(cast: Cast):
    wraps = KeyWrap.objects.count()
    access = cast.emergency()
    assert relation(cast.carl, cast.child) is Relation.EMERGENCY_DOCTOR
    with in_the_name_of(cast.carl.party):
        assert open_document(document=cast.image_a, acting=cast.carl) == IMAGE_A
        assert open_document(document=cast.image_b, acting=cast.carl) == IMAGE_B
    assert KeyWrap.objects.count() == wraps
    readings = Act.objects.filter(event=Event.DOCUMENT_OPENED, institution=cast.c)
    assert [act.metadata["emergency"] for act in readings] == [access.pk] * 2


def test_an_own_doctor_reads_what_others_made_as_well(cast: Cast):
    with pytest.raises(Refused):
        open_document(document=cast.image_a, acting=cast.bea)
    cast.emergency(by=cast.bea)
    assert open_document(document=cast.image_a, acting=cast.bea) == IMAGE_A
    # What care lets a doctor do, an emergency does not take away.
    assert add_image(cast.child, cast.bea, picture(7)).institution == cast.b


def test_it_is_read_only(cast: Cast):
    cast.emergency()
    assert not may_add_document(cast.carl, cast.child)
    with pytest.raises(Refused, match="Only a doctor of a hospital that has this"):
        add_image(cast.child, cast.carl, picture(7))


def test_nothing_is_made_from_what_it_opens(cast: Cast, sign_in):
    cast.emergency(by=cast.bea)
    with pytest.raises(Refused, match="Only a doctor of a hospital that has this"):
        cast.request(image=cast.image_a)
    assert cast.request(image=cast.image_b).institution == cast.b


def test_it_is_one_doctor_s_alone(cast: Cast, sign_in):
    cast.emergency()
    page = reverse("document", args=[cast.image_a.pk])
    assert sign_in("carl").get(page).status_code == 200
    assert sign_in("cora").get(page).status_code == 404
    assert sign_in("oscar").get(page).status_code == 404


def test_it_ends_by_itself(cast: Cast, sign_in):
    carl = sign_in("carl")
    access = cast.emergency()
    page = reverse("document", args=[cast.image_a.pk])
    assert carl.get(page).status_code == 200
    end(access)
    assert carl.get(page).status_code == 404
    assert carl.get(reverse("patient", args=[cast.child.pk])).status_code == 404
    # What Carl did stays on his own page of the ledger.
    assert CHILD in carl.get(reverse("ledger")).text
    assert cast.emergency().is_live  # and may be opened anew


@pytest.mark.parametrize("minutes", [-1, 0, 61, 10_000])
def test_nothing_in_the_portal_can_make_it_longer(cast: Cast, minutes: int):
    access = cast.emergency()
    later = access.opened_at + timedelta(minutes=minutes)
    with pytest.raises(IntegrityError, match="within_an_hour"), transaction.atomic():
        EmergencyAccess.objects.filter(pk=access.pk).update(until=later)


# Opening


@pytest.mark.parametrize("name", ["grace", "ada", "petra"])
def test_only_a_doctor_opens(cast: Cast, name: str):
    with pytest.raises(Refused, match="Only a doctor of a hospital"):
        cast.emergency(by=cast.acting(name))


@pytest.mark.parametrize("reason", ["", " " * 40, "urgent"])
def test_a_reason_must_be_one(cast: Cast, reason: str):
    with pytest.raises(Refused, match="Say in a sentence"):
        open_emergency(patient=cast.child, reason=reason, by=cast.carl)
    assert not EmergencyAccess.objects.exists()


def test_it_is_not_opened_twice(cast: Cast):
    cast.emergency()
    with pytest.raises(Refused, match="is open already"):
        cast.emergency()


def test_the_patient_is_found_by_code_or_by_name_and_birth_date(cast: Cast):
    assert patient_in_emergency(cast.carl, code=cast.child.code.lower()) == cast.child
    found = patient_in_emergency(cast.carl, full_name=CHILD.upper(), born=CHILD_BORN)
    assert found == cast.child
    for wrong in (
        {"code": "AAAA-BBBB-CCCC"},
        {"full_name": CHILD, "born": CHILD_BORN + timedelta(days=1)},
        {"full_name": "Kim", "born": CHILD_BORN},
    ):
        with pytest.raises(Refused, match="Nobody is known here by that"):
            patient_in_emergency(cast.carl, **wrong)


def test_two_of_one_name_and_day_are_told_apart_by_the_code(cast: Cast):
    other = cast.other_child
    other.name_index = cast.child.name_index
    other.birth_date_text = cast.child.birth_date_text
    other.save()
    with pytest.raises(Refused, match="Use the patient's code"):
        patient_in_emergency(cast.carl, full_name=CHILD, born=CHILD_BORN)


def test_the_page_opens_it_with_the_password(cast: Cast, sign_in):
    carl = sign_in("carl")
    given = {**ASKED, "full_name": CHILD, "birth_date": CHILD_BORN.isoformat()}
    page = carl.post(reverse("emergency"), given, follow=True)
    assert page.redirect_chain[-1][0] == reverse("patient", args=[cast.child.pk])
    assert "Emergency access until" in page.text
    assert "An ultrasound image was added." in page.text
    assert "Add an image" not in page.text


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"password": "wrong"}, "This is not your password."),
        ({"password": ""}, "This field is required."),
        ({"reason": ""}, "This field is required."),
        ({"reason": "urgent"}, "Say in a sentence"),
        ({"code": "AAAA-BBBB-CCCC"}, "Nobody is known here by that"),
        ({"code": ""}, "Give the code, or the full name with the date of birth."),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_opened(
    cast: Cast, sign_in, change: dict[str, str], sentence: str
):
    given = {**ASKED, "code": cast.child.code, **change}
    page = sign_in("carl").post(reverse("emergency"), given)
    assert page.status_code == 200
    assert sentence in page.text
    assert not EmergencyAccess.objects.exists()


def test_a_wrong_password_does_not_say_whether_a_patient_is_known(cast: Cast, sign_in):
    carl = sign_in("carl")
    wrong = {**ASKED, "password": "wrong"}
    pages = [
        carl.post(reverse("emergency"), {**wrong, "code": code}).text
        for code in (cast.child.code, "AAAA-BBBB-CCCC")
    ]
    assert all("This is not your password." in page for page in pages)
    assert not any("Nobody is known" in page for page in pages)


def test_passwords_are_not_tried_for_long(cast: Cast, sign_in):
    carl = sign_in("carl")
    wrong = {**ASKED, "code": cast.child.code, "password": "wrong"}
    pages = [carl.post(reverse("emergency"), wrong).text for _ in range(12)]
    assert "This is not your password." in pages[0]
    assert "Too many attempts" in pages[-1]


# Telling


def test_family_and_admins_are_told_by_mail_without_a_name(committed_cast: Cast):
    access = committed_cast.emergency()
    (task,) = OrmQ.objects.all()
    assert task.func() == "records.tasks.tell_of_emergency"
    assert tell_of_emergency(access.pk) == 2
    told = {message.to[0]: message for message in mail.outbox}
    assert set(told) == {email("grace"), email("cora")}
    for message in told.values():
        assert "Cedar Clinic opened a history in an emergency" in message.body
        assert "Kim" not in f"{message.subject} {message.body}"
        assert EMERGENCY not in message.body


def test_the_family_reads_who_and_why_and_what_the_hospital_said(cast: Cast, sign_in):
    access = cast.emergency()
    grace = sign_in("grace")
    page = grace.get(reverse("patient", args=[cast.child.pk])).text
    assert "Carl Curious of Cedar Clinic opened this history" in page
    assert EMERGENCY in page
    assert "has not judged it yet" in page
    review_emergency(
        access=access, is_justified=False, note="It could wait.", by=cast.acting("cora")
    )
    page = grace.get(reverse("patient", args=[cast.child.pk])).text
    assert "found it not justified" in page
    assert "It could wait." in page
    assert "opened the history in an emergency" in grace.get(reverse("audit")).text


def test_the_admin_sees_it_on_every_page_until_it_is_judged(cast: Cast, sign_in):
    cora = sign_in("cora")
    assert "in an emergency" not in cora.get(reverse("members")).text
    access = cast.emergency()
    assert "in an emergency" in cora.get(reverse("members")).text
    queue = cora.get(reverse("emergencies")).text
    assert "Carl Curious" in queue
    assert EMERGENCY in queue
    page = reverse("review", args=[access.pk])
    assert EMERGENCY in cora.get(page).text
    answer = cora.post(page, {"verdict": "justified", "note": ""}, follow=True)
    assert "Justified" in answer.text
    assert "in an emergency" not in cora.get(reverse("members")).text


def test_one_address_that_takes_nothing_silences_nobody(
    committed_cast: Cast, monkeypatch: pytest.MonkeyPatch
):
    access, sent = committed_cast.emergency(), []

    def refusing(subject: str, body: str, sender: None, to: list[str]) -> None:
        if to == [email("grace")]:
            raise SMTPRecipientsRefused({})
        sent.extend(to)

    monkeypatch.setattr(tasks, "send_mail", refusing)
    with pytest.raises(SMTPRecipientsRefused):
        tell_of_emergency(access.pk)
    assert sent == [email("cora")]


# Judging


@pytest.mark.parametrize("name", ["grace", "carl", "ada", "boris", "petra"])
def test_only_an_admin_of_the_doctor_s_hospital_judges(cast: Cast, name: str):
    access = cast.emergency()
    with pytest.raises(Refused, match="Only an admin of the doctor's hospital"):
        review_emergency(
            access=access, is_justified=True, note="", by=cast.acting(name)
        )


def test_it_is_judged_once_and_not_without_a_word(cast: Cast):
    access, cora = cast.emergency(), cast.acting("cora")
    with pytest.raises(Refused, match="Say what was not right"):
        review_emergency(access=access, is_justified=False, note=" ", by=cora)
    review_emergency(access=access, is_justified=True, note="", by=cora)
    with pytest.raises(Refused, match="judged before"):
        review_emergency(access=access, is_justified=False, note="No.", by=cora)
    events = Act.objects.filter(institution=cast.c).values_list("event", flat=True)
    assert sorted(events) == [Event.EMERGENCY_OPENED, Event.EMERGENCY_JUSTIFIED]


def test_nobody_signed_in_is_led_to_sign_in(cast: Cast, anonymous: Client):
    assert anonymous.get(reverse("emergency")).status_code == 302
