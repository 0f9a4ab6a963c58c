"""Proofs for people: one's own acts stay provable, a damaged log never packs them."""

import zipfile
from io import BytesIO

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse

from ledger.bundle import PLACE
from ledger.history import progress
from ledger.site import own_lines
from portal.actions.members import add_member
from portal.models import User
from portal.roles import Role
from records.actions.consents import withdraw_consent
from records.models import Act
from tests.cast import Cast, email
from tests.conftest import BACKEND
from tests.ledger.forging import change_tenant
from tests.ledger.world import World

pytestmark = pytest.mark.slow


@pytest.fixture
def site(committed_cast: Cast) -> World:
    world = World(connection.settings_dict["NAME"])
    world.sequence()
    return world


def sign_in(name: str) -> Client:
    client = Client()
    user = User.objects.get(email=email(name))
    client.force_login(user, backend=BACKEND)
    return client


def address_of(act: Act, name: str = "proof") -> str:
    return reverse(name, args=[bytes(act.statement_id).hex()])


def test_a_doctor_proves_their_own_act_after_a_consent_was_withdrawn(
    site: World, committed_cast: Cast
):
    """Bea looked at what Alan had made; now she sees nothing of it but that she did."""
    bea, image = sign_in("bea"), committed_cast.image_a
    consent = committed_cast.consent()
    assert bea.get(reverse("document", args=[image.pk])).status_code == 200
    withdraw_consent(consent=consent, by=committed_cast.grace)
    site.sequence()
    assert bea.get(reverse("document", args=[image.pk])).status_code == 404
    own = Act.objects.get(actor=committed_cast.bea.user, document=image)
    assert address_of(own) in bea.get(reverse("ledger")).text
    assert bea.get(address_of(own)).status_code == 200
    assert bea.get(address_of(own, "proof_file")).status_code == 200
    other = Act.objects.filter(document=committed_cast.image_a).earliest("at")
    assert bea.get(address_of(other)).status_code == 404


def test_the_guardian_takes_along_what_is_there(site: World, committed_cast: Cast):
    answer = sign_in("grace").get(reverse("take_along", args=[committed_cast.child.pk]))
    assert answer.headers["Content-Type"] == "application/zip"
    names = zipfile.ZipFile(BytesIO(answer.content)).namelist()
    assert {"check.html", "check.py", "checkpoint", "policy"} <= {*names}


def test_of_a_damaged_log_nothing_is_taken_along(site: World, committed_cast: Cast):
    act = Act.objects.filter(patient=committed_cast.child).earliest("at")
    seq = progress([bytes(act.statement_id)])[bytes(act.statement_id)].seq
    assert seq is not None
    site.attack("DELETE FROM ledger.tile", change_tenant(seq))
    site.attack("UPDATE ledger.checkpoint SET size = size + 700")
    answer = sign_in("grace").get(
        reverse("take_along", args=[committed_cast.child.pk]), follow=True
    )
    assert answer.status_code == 200
    assert "The ledger is damaged: " in answer.text


def test_what_waits_is_on_the_page_before_it_is_entered(
    site: World, committed_cast: Cast
):
    """A new colleague is no act about a patient; the statement waits like any other."""
    client = sign_in("ada")
    before = client.get(reverse("ledger")).text.count("A person started to work")
    add_member(
        institution=committed_cast.a,
        email="nora@people.example",
        full_name="Nora New",
        role=Role.DOCTOR,
        by=committed_cast.ada.user,
    )
    waiting = client.get(reverse("ledger")).text
    assert waiting.count("A person started to work") == before + 1
    site.sequence()
    assert (
        client.get(reverse("ledger")).text.count("A person started to work")
        == before + 1
    )


def test_keys_and_checkers_are_there_for_everyone(client: Client, committed_cast: Cast):
    keys = client.get(reverse("keys"))
    assert keys.text.startswith(own_lines())
    for institution in (committed_cast.a, committed_cast.b):
        key = institution.holder.keys.get(purpose="signing")
        assert f"# author {bytes(key.key_id).hex()} {institution}" in keys.text
    signing = committed_cast.child.holder.keys.get(purpose="signing")
    assert bytes(signing.key_id).hex() not in keys.text
    assert keys.headers["Content-Type"].startswith("text/plain")
    page = client.get(reverse("checker", args=["check.html"]))
    assert page.headers["Content-Disposition"] == 'attachment; filename="check.html"'
    assert PLACE in page.text
    script = client.get(reverse("checker", args=["check.py"]))
    assert script.text.startswith('"""Checks a bundle')
