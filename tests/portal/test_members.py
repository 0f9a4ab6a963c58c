"""Institutions get their people from their own admins."""

import pytest
from django.test import Client
from django.urls import reverse

from portal.acting import SESSION_KEY
from portal.actions.institutions import register_institution
from portal.actions.members import add_first_admin, add_member
from portal.errors import Refused
from portal.models import Institution, Membership, User
from portal.roles import Role
from tests.cast import PEOPLE, Cast, email


def add(cast: Cast, by: str, name: str = "new") -> Membership:
    return add_member(
        institution=cast.b,
        email=email(name),
        full_name="New Colleague",
        role=Role.DOCTOR,
        by=cast.acting(by).user,
    )


@pytest.mark.parametrize("name", ["ada", "bea", "grace", "petra", "carl", "cora"])
def test_only_the_institutions_admin_adds(cast: Cast, name: str):
    with pytest.raises(Refused, match="Only an admin of Birchwood Hospital"):
        add(cast, name)
    assert not User.objects.filter(email=email("new")).exists()


def test_a_new_colleague_has_an_account_without_a_password(cast: Cast):
    member = add(cast, "boris")
    assert (member.role, member.institution) == (Role.DOCTOR, cast.b)
    assert not member.user.has_usable_password()


def test_nobody_has_two_roles_at_one_institution(cast: Cast):
    with pytest.raises(Refused, match="Bea Bestcare already has a role at Birchwood"):
        add(cast, "boris", "bea")


def test_a_known_person_keeps_their_name(cast: Cast):
    assert add(cast, "boris", "grace").user.full_name == PEOPLE["grace"]


def test_the_first_admin_is_given_once(cast: Cast):
    with pytest.raises(Refused, match="already has members"):
        add_first_admin(
            institution=cast.b, user=cast.carl.user, role=Role.HOSPITAL_ADMIN
        )


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("Ashford Hospital", Institution.Kind.HOSPITAL),
        ("Another service", Institution.Kind.DIAGNOSIS_SERVICE),
        ("Another platform", Institution.Kind.PLATFORM),
    ],
)
def test_names_are_taken_once_and_there_is_one_service_and_one_platform(
    cast: Cast, name: str, kind: Institution.Kind
):
    with pytest.raises(Refused):
        register_institution(name=name, kind=kind)


# The page

FORM = {"full_name": "New Colleague", "email": "new@people.example", "role": "doctor"}


def test_the_page_lists_and_adds(cast: Cast, sign_in):
    client: Client = sign_in("boris")
    assert PEOPLE["bea"] in client.get(reverse("members")).text
    page = client.post(reverse("members"), FORM, follow=True).text
    assert "New Colleague is now a member of Birchwood Hospital." in page
    assert PEOPLE["alan"] not in page


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"email": email("bea")}, "already has a role at Birchwood Hospital"),
        ({"email": email("BEA")}, "already has a role at Birchwood Hospital"),
        ({"email": "nobody"}, "Enter a valid email address."),
        ({"full_name": ""}, "This field is required."),
        ({"role": "platform_admin"}, "Select a valid choice."),
    ],
)
def test_what_is_wrong_is_said_and_nobody_added(
    cast: Cast, sign_in, given: dict[str, str], sentence: str
):
    before = Membership.objects.count()
    response = sign_in("boris").post(reverse("members"), FORM | given)
    assert sentence in response.text
    assert Membership.objects.count() == before


# Acting for one institution at a time


def switch(client: Client, number: object) -> int:
    address = reverse("switch_institution")
    return client.post(address, {"institution": number}).status_code


def test_a_person_switches_between_their_own_institutions(cast: Cast, sign_in):
    add(cast, "boris", "carl")
    client = sign_in("carl")
    patient = reverse("patient", args=[cast.child.pk])
    assert client.get(patient).status_code == 404
    assert switch(client, cast.b.pk) == 302
    assert client.get(patient).status_code == 200
    assert switch(client, cast.c.pk) == 302
    assert client.get(patient).status_code == 404


@pytest.mark.parametrize("number", ["", "0", "²", "-1", "x", "9" * 5000])
def test_what_is_no_institution_of_theirs_is_a_404(cast: Cast, sign_in, number: str):
    assert switch(sign_in("carl"), number) == 404


def test_a_foreign_institution_is_a_404_and_changes_nothing(cast: Cast, sign_in):
    client = sign_in("carl")
    assert switch(client, cast.b.pk) == 404
    assert SESSION_KEY not in client.session


def test_a_session_that_outlives_a_membership_falls_back(cast: Cast, sign_in):
    member = add(cast, "boris", "carl")
    client = sign_in("carl")
    switch(client, cast.b.pk)
    member.delete()
    assert client.get(reverse("patient", args=[cast.child.pk])).status_code == 404
    assert client.get(reverse("patients")).status_code == 200


def test_the_platforms_admin_sees_institutions_and_no_patient(cast: Cast, sign_in):
    client = sign_in("petra")
    page = client.get(reverse("institutions")).text
    assert all(name in page for name in ("Ashford", "Birchwood", "Cedar"))
    assert "Kim Abernathy" not in page
    assert "Kim Abernathy" not in client.get(reverse("ledger")).text
