"""More than one person acts for a child, and nobody puts themselves in that place."""

import pytest
from django.urls import reverse

from ledger.events import Event
from portal.acting import acting_for
from portal.errors import Refused
from portal.models import User
from records.actions.consents import withdraw_consent
from records.actions.documents import open_document
from records.actions.guardians import add_guardian
from records.models import Act, Guardian
from records.permissions import visible_patients
from tests.cast import IMAGE_A, Cast, email

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
