"""More than one person acts for a child, and nobody puts themselves in that place."""

import pytest
from django.urls import reverse

from ledger.events import Event
from portal.acting import acting_for
from portal.errors import Refused
from portal.models import User
from records.actions.consents import withdraw_consent
from records.actions.documents import open_document
from records.actions.guardians import (
    add_guardian,
    freeze_guardian,
    restore_guardian,
)
from records.history import visible_acts
from records.models import Act, Guardian
from records.permissions import visible_patients
from tests.cast import CHILD, IMAGE_A, Cast, email

GRETA = {"full_name": "Greta Abernathy", "email": "greta@people.example"}


def added(cast: Cast, by: str = "boris", **person: str) -> Guardian:
    return add_guardian(patient=cast.child, **{**GRETA, **person}, by=cast.acting(by))


def test_both_guardians_see_and_decide(cast: Cast):
    greta = acting_for(added(cast).user, None)
    assert set(visible_patients(greta)) == {cast.child}
    assert open_document(document=cast.image_a, acting=greta) == IMAGE_A
    # What one allowed the other may withdraw.
    withdraw_consent(consent=cast.consent(), by=greta)
    act = Act.objects.filter(event=Event.GUARDIAN_ADDED).latest("at")
    assert (act.patient, act.institution, act.actor) == (
        cast.child,
        cast.b,
        cast.boris.user,
    )


@pytest.mark.parametrize(
    "name", ["grace", "oscar", "bea", "alan", "ada", "cora", "petra"]
)
def test_only_an_admin_where_the_child_is_in_care_says_who(cast: Cast, name: str):
    with pytest.raises(Refused, match="Only an admin of a hospital that has this"):
        added(cast, by=name)
    assert not User.objects.filter(email=GRETA["email"]).exists()


def test_an_admin_does_not_make_themselves_a_guardian(cast: Cast):
    with pytest.raises(Refused, match="You cannot make yourself a guardian"):
        added(cast, email=email("boris").upper())
    assert cast.child.guardians.count() == 1


def test_nobody_is_a_guardian_twice(cast: Cast):
    with pytest.raises(Refused, match="Grace Abernathy is a guardian of Kim Abernathy"):
        added(cast, email=email("grace"))


def test_the_page_asks_for_the_papers(cast: Cast, sign_in):
    boris, address = sign_in("boris"), reverse("guardians", args=[cast.child.pk])
    assert "Grace Abernathy" in boris.get(address).text
    refused = boris.post(address, GRETA)
    assert "Look at the papers first." in refused.text
    assert cast.child.guardians.count() == 1
    assert boris.post(address, GRETA | {"papers": "on"}).status_code == 302
    assert "Greta Abernathy" in boris.get(address).text
    assert address in boris.get(reverse("patient", args=[cast.child.pk])).text
    assert address in boris.get(reverse("patients")).text


# Kept from acting


def own(cast: Cast) -> Guardian:
    return cast.child.guardians.get(user=cast.grace.user)


def test_who_is_kept_from_acting_sees_and_decides_nothing(cast: Cast, sign_in):
    consent, grace = cast.consent(), sign_in("grace")
    added(cast)
    act = Act.objects.filter(patient=cast.child).latest("at")
    freeze_guardian(guardian=own(cast), by=cast.boris)
    child = [cast.child.pk]
    for name in ("patient", "consents", "take_along"):
        assert grace.get(reverse(name, args=child)).status_code == 404
    proof = reverse("proof", args=[bytes(act.statement_id).hex()])
    assert grace.get(proof).status_code == 404
    for name in ("family", "ledger", "audit"):
        assert CHILD not in grace.get(reverse(name)).text
    with pytest.raises(Refused):
        withdraw_consent(consent=consent, by=cast.grace)
    with pytest.raises(Refused):
        open_document(document=cast.image_a, acting=cast.grace)
    # What was allowed stays, for the other to withdraw; who sees it happened.
    assert open_document(document=cast.image_a, acting=cast.bea) == IMAGE_A
    greta = acting_for(User.objects.get(email=GRETA["email"]), None)
    assert Event.GUARDIAN_FROZEN in {
        act.event for act in visible_acts(greta, cast.child)
    }
    withdraw_consent(consent=consent, by=greta)


def test_who_may_act_again_sees_all_of_it_again(cast: Cast):
    freeze_guardian(guardian=own(cast), by=cast.boris)
    restore_guardian(guardian=own(cast), by=cast.boris)
    assert set(visible_patients(cast.grace)) == {cast.child}
    assert open_document(document=cast.image_a, acting=cast.grace) == IMAGE_A


def test_another_child_s_guardian_stays_one(cast: Cast):
    """Grace is frozen for Kim alone, whoever else she acts for."""
    guardian, other_child = own(cast), cast.other_child
    other = Guardian.objects.create(patient=other_child, user=cast.grace.user)
    freeze_guardian(guardian=guardian, by=cast.boris)
    assert set(visible_patients(cast.grace)) == {other.patient}


@pytest.mark.parametrize(
    "name", ["grace", "oscar", "bea", "alan", "ada", "cora", "petra"]
)
@pytest.mark.parametrize("act", [freeze_guardian, restore_guardian])
def test_only_an_admin_where_the_child_is_in_care_decides(cast: Cast, act, name: str):
    with pytest.raises(Refused, match="Only an admin of a hospital"):
        act(guardian=own(cast), by=cast.acting(name))


@pytest.mark.parametrize("act", [freeze_guardian, restore_guardian])
def test_no_admin_decides_about_themselves(cast: Cast, act):
    guardian = Guardian.objects.create(patient=cast.child, user=cast.boris.user)
    with pytest.raises(Refused, match="cannot decide about yourself"):
        act(guardian=guardian, by=cast.boris)


def test_nothing_is_done_twice(cast: Cast):
    with pytest.raises(Refused, match="may act for Kim Abernathy already"):
        restore_guardian(guardian=own(cast), by=cast.boris)
    freeze_guardian(guardian=own(cast), by=cast.boris)
    with pytest.raises(Refused, match="kept from acting before"):
        freeze_guardian(guardian=own(cast), by=cast.boris)


def test_the_pages_ask_once_more_and_say_how_it_is(cast: Cast, sign_in):
    boris = sign_in("boris")
    address = reverse("freeze", args=[cast.child.pk, own(cast).pk])
    assert "Keep Grace Abernathy from acting?" in boris.get(address).text
    assert own(cast).frozen_at is None
    assert "Kept from acting" in boris.post(address, follow=True).text
    assert "Let Grace Abernathy act again?" in boris.get(address).text
    assert "May act" in boris.post(address, follow=True).text


def test_a_guardian_of_another_child_is_not_frozen_through_this_one(
    cast: Cast, sign_in
):
    other = cast.other_child.guardians.get()
    wrong = reverse("freeze", args=[cast.child.pk, other.pk])
    assert sign_in("boris").post(wrong).status_code == 404
    other.refresh_from_db()
    assert other.frozen_at is None
