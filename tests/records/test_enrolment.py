"""Hospitals take patients in and let them go; neither lets anybody read."""

from datetime import date

import pytest
from django.urls import reverse

from ledger.events import Event
from portal.errors import Refused
from portal.models import User
from records.actions.patients import (
    NewPatient,
    end_enrolment,
    enrol_patient,
    register_patient,
)
from records.models import Act, Enrolment, Patient
from records.models.patient import CODE_ALPHABET, new_code
from tests.cast import Cast, email

NEW = NewPatient(
    full_name="New Child",
    birth_date=date(2025, 1, 1),
    hospital_number="B-1",
    guardian_name="New Guardian",
    guardian_email="guardian@people.example",
)
FORM = {
    "form": "new",
    "new-full_name": "New Child",
    "new-birth_date": "2025-01-01",
    "new-hospital_number": "B-1",
    "new-guardian_name": "New Guardian",
    "new-guardian_email": "guardian@people.example",
}


def test_a_new_patient_has_keys_a_guardian_and_three_acts(cast: Cast):
    patient = register_patient(new=NEW, by=cast.boris)
    assert patient.holder.keys.count() == 2
    assert patient.guardians.get().user.email == "guardian@people.example"
    assert {act.event for act in Act.objects.filter(patient=patient)} == {
        Event.PATIENT_REGISTERED,
        Event.GUARDIAN_ADDED,
        Event.PATIENT_ENROLLED,
    }
    assert Patient.objects.get(pk=patient.pk).birth_date == date(2025, 1, 1)


def test_a_known_address_gets_no_second_account(cast: Cast):
    new = NewPatient(**{**vars(NEW), "guardian_email": email("grace").upper()})
    patient = register_patient(new=new, by=cast.boris)
    assert patient.guardians.get().user == cast.grace.user
    assert User.objects.filter(email__iexact=email("grace")).count() == 1


@pytest.mark.parametrize("name", ["bea", "grace", "petra", "carl"])
def test_only_a_hospitals_admin_enrols(cast: Cast, name: str):
    with pytest.raises(Refused, match="Only a hospital's admin"):
        register_patient(new=NEW, by=cast.acting(name))
    with pytest.raises(Refused, match="Only a hospital's admin"):
        enrol_patient(code=cast.child.code, hospital_number="1", by=cast.acting(name))


def test_a_patient_in_care_is_not_enrolled_twice(cast: Cast):
    with pytest.raises(Refused, match="already enrolled at Birchwood Hospital"):
        enrol_patient(code=cast.child.code, hospital_number="B-9", by=cast.boris)


def test_a_hospital_number_names_one_patient(cast: Cast):
    with pytest.raises(Refused, match="b-27182 already names another patient"):
        enrol_patient(
            code=cast.child.code, hospital_number="b-27182", by=_after_leaving(cast)
        )


def _after_leaving(cast: Cast):
    end_enrolment(enrolment=cast.b.enrolments.get(patient=cast.child), by=cast.boris)
    return cast.boris


def test_an_unknown_code_is_refused_in_words(cast: Cast):
    with pytest.raises(Refused, match="Ask the family to read it again"):
        enrol_patient(code="AAAA-BBBB-CCCC", hospital_number="1", by=cast.boris)


def test_a_code_is_read_however_it_is_typed(cast: Cast):
    code = cast.child.code.lower().replace("-", " - ")
    enrolment = enrol_patient(code=code, hospital_number="A-2", by=cast.ada)
    assert enrolment.patient == cast.child


def test_codes_use_letters_that_nobody_confuses():
    letters = {letter for _ in range(200) for letter in new_code()}
    assert letters - {"-"} <= set(CODE_ALPHABET)
    assert not letters & set("ILO01")


def test_an_enrolment_ends_once_and_by_its_own_hospital(cast: Cast):
    enrolment = cast.b.enrolments.get(patient=cast.child)
    with pytest.raises(Refused, match="Only an admin of that hospital"):
        end_enrolment(enrolment=enrolment, by=cast.ada)
    end_enrolment(enrolment=enrolment, by=cast.boris)
    with pytest.raises(Refused, match="has ended before"):
        end_enrolment(enrolment=enrolment, by=cast.boris)


def test_enrolling_lets_the_hospital_read_nothing(cast: Cast, sign_in):
    enrol_patient(code=cast.child.code, hospital_number="C-1", by=cast.acting("cora"))
    client = sign_in("carl")
    page = client.get(reverse("patient", args=[cast.child.pk]))
    assert page.status_code == 200
    assert "/documents/" not in page.text
    assert client.get(reverse("document", args=[cast.image_a.pk])).status_code == 404


# The page


def test_the_page_enrols_a_new_patient(cast: Cast, sign_in):
    response = sign_in("boris").post(reverse("enrol"), FORM)
    assert response.status_code == 302
    assert Patient.objects.count() == 3


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"new-birth_date": "2999-01-01"}, "This day is still to come."),
        ({"new-birth_date": "yesterday"}, "Enter a valid date."),
        ({"new-full_name": " "}, "This field is required."),
        ({"new-full_name": "Kim\0"}, "Null characters are not allowed."),
        ({"new-guardian_email": "nobody"}, "Enter a valid email address."),
        ({"new-hospital_number": "B-27182"}, "already names another patient"),
    ],
)
def test_what_is_wrong_is_said_and_nobody_is_enrolled(
    cast: Cast, sign_in, given: dict[str, str], sentence: str
):
    response = sign_in("boris").post(reverse("enrol"), FORM | given)
    assert response.status_code == 200
    assert sentence in response.text
    assert Patient.objects.count() == 2
    assert not User.objects.filter(email="guardian@people.example").exists()


def test_letting_go_says_what_follows_and_ends_the_care(cast: Cast, sign_in):
    enrolment = cast.b.enrolments.get(patient=cast.child)
    client, address = sign_in("boris"), reverse("let_go", args=[enrolment.pk])
    assert "The family keeps the whole history." in client.get(address).text
    assert client.post(address).status_code == 302
    assert Enrolment.objects.get(pk=enrolment.pk).ended_at
    again = client.post(address, follow=True).text
    assert "This enrolment has ended before." in again
