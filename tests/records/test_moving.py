"""A family moves in one act, or not at all."""

from datetime import timedelta
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone

from ledger.events import Event
from ledger.history import statement
from portal.acting import Acting
from portal.errors import Refused
from portal.models import Institution
from records.actions.consents import NewConsent
from records.actions.documents import open_document
from records.actions.moving import move_patient
from records.actions.patients import end_enrolment, enrol_patient
from records.models import Act, Consent
from tests.cast import IMAGE_A, NEXT_YEAR, Cast, add_image, picture


@pytest.fixture
def back_at_a(cast: Cast) -> Cast:
    """Kim is in the care of both hospitals; A may read, B may not yet."""
    enrol_patient(code=cast.child.code, hospital_number="A-2", by=cast.ada)
    move(cast, to=cast.a)
    return cast


def move(
    cast: Cast,
    *leaving: Institution,
    to: Institution | None = None,
    by: Acting | None = None,
) -> Consent:
    until = timezone.now() + timedelta(days=1)
    return move_patient(
        patient=cast.child,
        new=NewConsent(institution=to or cast.b, until=until),
        leaving=leaving,
        by=by or cast.grace,
    )


def in_care(cast: Cast) -> set[Institution]:
    return {e.institution for e in cast.child.enrolments.filter(ended_at=None)}


def test_one_hospital_reads_and_the_other_is_left(back_at_a: Cast):
    cast = back_at_a
    assert in_care(cast) == {cast.a, cast.b}
    move(cast, cast.a)
    assert in_care(cast) == {cast.b}
    assert open_document(document=cast.image_a, acting=cast.bea) == IMAGE_A
    # What was allowed to A ended with its care; what it made it keeps, read-only.
    assert {c.institution for c in Consent.objects.live()} == {cast.b}
    assert open_document(document=cast.image_a, acting=cast.alan) == IMAGE_A
    with pytest.raises(Refused):
        open_document(document=cast.image_b, acting=cast.alan)
    with pytest.raises(Refused):
        add_image(cast.child, cast.alan, picture(7))


def test_both_are_on_the_ledger_signed_by_the_patient(back_at_a: Cast):
    cast = back_at_a
    move(cast, cast.a)
    ended, granted = Act.objects.filter(patient=cast.child).order_by("-at")[:2]
    assert (granted.event, ended.event) == (
        Event.CONSENT_GRANTED,
        Event.ENROLMENT_ENDED,
    )
    key = bytes(cast.child.holder.keys.get(purpose="signing").key_id)
    for act in (ended, granted):
        said = statement(bytes(act.statement_id))
        assert said
        assert said.author_key_id == key


def test_neither_happens_where_one_cannot(back_at_a: Cast):
    cast = back_at_a
    for leaving, sentence in (
        ([cast.b], "cannot be the old hospital and the new one"),
        ([cast.a, cast.c], "Cedar Clinic does not have Kim Abernathy in its care"),
    ):
        with pytest.raises(Refused, match=sentence):
            move(cast, *leaving)
        assert in_care(cast) == {cast.a, cast.b}
        assert not Consent.objects.live().filter(institution=cast.b).exists()


@pytest.mark.parametrize("name", ["oscar", "bea", "alan", "ada", "boris", "petra"])
def test_nobody_but_the_guardian_moves(back_at_a: Cast, name: str):
    with pytest.raises(Refused, match="Only the patient's guardian"):
        move(back_at_a, back_at_a.a, by=back_at_a.acting(name))


@pytest.mark.parametrize("name", ["oscar", "bea", "alan", "boris", "petra"])
def test_a_stranger_to_it_ends_no_care(back_at_a: Cast, name: str):
    enrolment = back_at_a.child.enrolments.get(institution=back_at_a.a, ended_at=None)
    with pytest.raises(Refused, match="admin"):
        end_enrolment(enrolment=enrolment, by=back_at_a.acting(name))


def asked(cast: Cast, leaving: Institution, **more: str) -> dict[str, Any]:
    return {
        "institution": cast.b.pk,
        "until": NEXT_YEAR,
        "extent": "everything",
        "purpose": "TREAT",
        "leaving": [leaving.pk],
    } | more


def test_the_walk_through_the_pages(back_at_a: Cast, sign_in):
    cast, grace = back_at_a, sign_in("grace")
    address = reverse("consents", args=[cast.child.pk])
    preview = grace.post(address, asked(cast, cast.a)).text
    assert "care of Ashford Hospital ends today. It keeps the 3 documents" in preview
    assert "Move and allow reading" in preview
    assert in_care(cast) == {cast.a, cast.b}
    moved = grace.post(address, asked(cast, cast.a, allow="yes"))
    assert moved.status_code == 302
    assert in_care(cast) == {cast.b}


def test_where_no_other_hospital_cares_there_is_nothing_to_leave(cast: Cast, sign_in):
    page = sign_in("grace").get(reverse("consents", args=[cast.child.pk])).text
    assert "Is this a move?" not in page


def test_the_new_hospital_is_not_left(back_at_a: Cast, sign_in):
    cast = back_at_a
    page = sign_in("grace").post(
        reverse("consents", args=[cast.child.pk]), asked(cast, cast.b, allow="yes")
    )
    assert "This is the hospital that you allow." in page.text
    assert in_care(cast) == {cast.a, cast.b}
