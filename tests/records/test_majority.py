"""Who is of age acts alone, and guardians fall away."""

from datetime import date

import pytest
from django.urls import reverse

from ledger.events import Event
from portal.acting import acting_for
from portal.actions.institutions import set_rules
from portal.errors import Refused
from portal.models import Institution, User
from records.actions.documents import open_document
from records.actions.guardians import (
    add_guardian,
    freeze_guardian,
    restore_guardian,
)
from records.actions.majority import end_guardianships, hand_over
from records.models import Act, Guardian, Patient
from records.permissions import may_manage_consents, visible_patients
from records.tasks import end_guardianships as nightly
from tests.cast import IMAGE_A, Cast, email

KIM = "kim@people.example"


@pytest.mark.parametrize(
    ("born", "day", "age"),
    [
        (date(2008, 5, 1), date(2026, 4, 30), 17),
        (date(2008, 5, 1), date(2026, 5, 1), 18),
        (date(2008, 2, 29), date(2026, 2, 28), 17),
        (date(2008, 2, 29), date(2026, 3, 1), 18),
        (date(2026, 5, 1), date(2026, 5, 1), 0),
    ],
)
def test_age_is_counted_in_whole_years(born: date, day: date, age: int):
    assert Patient(birth_date_text=born.isoformat()).age_on(day) == age


def test_the_patient_acts_alone_and_the_guardian_does_not(cast: Cast):
    cast.of_age()
    own = hand_over(patient=cast.child, email=KIM, by=cast.boris)
    kim = acting_for(own.user, None)
    assert set(visible_patients(kim)) == {cast.child}
    assert may_manage_consents(kim, cast.child)
    assert open_document(document=cast.image_a, acting=kim) == IMAGE_A
    assert not visible_patients(cast.grace).exists()
    assert not may_manage_consents(cast.grace, cast.child)
    events = Act.objects.filter(patient=cast.child, actor=cast.boris.user)
    assert set(events.values_list("event", flat=True)) >= {
        Event.PATIENT_TOOK_OVER,
        Event.GUARDIANSHIP_ENDED,
    }


def test_what_the_guardian_allowed_stays(cast: Cast):
    consent = cast.consent()
    cast.of_age()
    hand_over(patient=cast.child, email=KIM, by=cast.boris)
    consent.refresh_from_db()
    assert consent.is_live


def test_nobody_takes_over_too_early(cast: Cast):
    with pytest.raises(Refused, match="is not 18 yet"):
        hand_over(patient=cast.child, email=KIM, by=cast.boris)
    assert not User.objects.filter(email=KIM).exists()


def test_each_hospital_has_its_own_age(cast: Cast):
    cast.child.birth_date_text = date(date.today().year - 17, 1, 1).isoformat()  # noqa: DTZ011
    cast.child.save()
    with pytest.raises(Refused, match="is not 18 yet"):
        hand_over(patient=cast.child, email=KIM, by=cast.boris)
    set_rules(institution=cast.b, age_of_majority=16, retention_years=10, by=cast.boris)
    own = hand_over(patient=cast.child, email=KIM, by=cast.acting("boris"))
    assert own.is_patient


@pytest.mark.parametrize("name", ["grace", "bea", "ada", "cora", "petra"])
def test_only_an_admin_where_the_patient_is_in_care_hands_over(cast: Cast, name: str):
    cast.of_age()
    with pytest.raises(Refused, match="Only an admin of a hospital that has this"):
        hand_over(patient=cast.child, email=KIM, by=cast.acting(name))


@pytest.mark.parametrize("who", ["grace", "boris"])
def test_the_patient_is_neither_guardian_nor_the_admin(cast: Cast, who: str):
    cast.of_age()
    with pytest.raises(Refused, match=r"guardian's address|yourself"):
        hand_over(patient=cast.child, email=email(who), by=cast.boris)
    assert Guardian.objects.get(patient=cast.child).ended_at is None


def test_a_patient_takes_over_once_and_needs_no_guardian_then(cast: Cast):
    cast.of_age()
    hand_over(patient=cast.child, email=KIM, by=cast.boris)
    with pytest.raises(Refused, match="has taken over before"):
        hand_over(patient=cast.child, email="other@people.example", by=cast.boris)
    with pytest.raises(Refused, match="is of age and acts alone"):
        add_guardian(
            patient=cast.child, full_name="New", email="n@p.example", by=cast.boris
        )


def test_no_guardian_comes_to_who_is_of_age(cast: Cast):
    cast.of_age()
    with pytest.raises(Refused, match="is of age and acts alone"):
        add_guardian(
            patient=cast.child, full_name="New", email="n@p.example", by=cast.boris
        )


def test_neither_the_patient_nor_who_has_ended_is_frozen(cast: Cast):
    cast.of_age()
    hand_over(patient=cast.child, email=KIM, by=cast.boris)
    for guardian in cast.child.guardians.all():
        for act in (freeze_guardian, restore_guardian):
            with pytest.raises(Refused, match="is of age and acts alone"):
                act(guardian=guardian, by=cast.boris)


def test_guardians_fall_away_by_night(cast: Cast):
    assert nightly() == 0
    cast.of_age()
    assert nightly() == 1
    assert not visible_patients(cast.grace).exists()
    assert nightly() == 0
    # Oscar's child is small.
    assert visible_patients(cast.oscar).exists()


def test_a_patient_who_is_not_of_age_keeps_the_guardians(cast: Cast):
    assert end_guardianships(patient=cast.child, institution=cast.b) == 0
    assert visible_patients(cast.grace).exists()


def test_the_page_says_first_what_it_ends(cast: Cast, sign_in):
    boris = sign_in("boris")
    page = reverse("hand_over", args=[cast.child.pk])
    cast.of_age()
    assert "Hand over" in boris.get(reverse("guardians", args=[cast.child.pk])).text
    assert "see and decide nothing of it any more" in boris.get(page).text
    done = boris.post(page, {"email": KIM, "papers": "on"}, follow=True)
    assert "acts alone from now on" in done.text
    assert "The patient, of age" in done.text


@pytest.mark.parametrize(("age", "years"), [(13, 10), (26, 10), (18, -1), (18, 51)])
def test_rules_out_of_bounds_are_refused(cast: Cast, sign_in, age: int, years: int):
    with pytest.raises(Refused, match="from 14 to 25"):
        set_rules(
            institution=cast.b,
            age_of_majority=age,
            retention_years=years,
            by=cast.boris,
        )
    given = {"age_of_majority": age, "retention_years": years}
    page = sign_in("boris").post(reverse("rules"), given)
    assert page.status_code == 200
    assert "Ensure this value is" in page.text
    assert Institution.objects.get(pk=cast.b.pk).age_of_majority == 18


def test_rules_are_set_by_the_own_admin(cast: Cast):
    with pytest.raises(Refused, match="Only an admin of Birchwood Hospital"):
        set_rules(
            institution=cast.b, age_of_majority=16, retention_years=1, by=cast.ada
        )
