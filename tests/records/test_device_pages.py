"""Pages on which a family or a hospital lets a device send, and stops it."""

from datetime import timedelta

import pytest
from django.utils import timezone

from ledger.events import Event
from portal.errors import Refused
from records.actions.devices import NewDevice, enrol_device, revoke_device
from records.actions.guardians import add_guardian, freeze_guardian
from records.device_identity import device_of_token, token_hash
from records.models import Act, Device
from tests.cast import CHILD, NEXT_YEAR, Cast
from tests.conftest import SignIn


def family_form(cast: Cast, **changed: object) -> dict[str, object]:
    return {
        "name": "Scanner at home",
        "patients": [cast.child.pk],
        "institution": cast.b.pk,
        "until": NEXT_YEAR,
        **changed,
    }


def test_the_token_is_shown_once(cast: Cast, sign_in: SignIn):
    client = sign_in("grace")
    shown = client.post("/family/devices/", family_form(cast))
    token = shown.context["token"]
    assert token in shown.text
    device = Device.objects.get()
    assert bytes(device.token_hash) == token_hash(token)
    assert device.ae_title in shown.text
    assert (device.enrolled_by, device.for_family) == (cast.grace.user, True)
    assert device_of_token(token) == device
    again = client.get("/family/devices/").text
    assert "Scanner at home" in again
    assert token not in again
    assert Act.objects.get(event=Event.DEVICE_ENROLLED).patient == cast.child


def test_an_admin_enrols_by_hospital_numbers(cast: Cast, sign_in: SignIn):
    form = {
        "name": "Ward scanner",
        "numbers": "b-16180\n B-27182, B-16180",
        "until": NEXT_YEAR,
        "certificate": ":".join(["AB"] * 32),
    }
    shown = sign_in("boris").post("/devices/", form)
    assert shown.status_code == 200
    device = Device.objects.get()
    assert not device.for_family
    assert device.certificate == "ab" * 32
    assert {ward.patient for ward in device.wards.all()} == {
        cast.child,
        cast.other_child,
    }
    assert Act.objects.filter(event=Event.DEVICE_ENROLLED).count() == 2


WRONG = {
    "a number of nobody": ({"numbers": "A-31415"}, "is the number of no patient"),
    "no number": ({"numbers": " \n,"}, "Say for whom the device may send"),
    "yesterday": ({"until": "2020-01-01"}, "Choose a day that is still to come."),
    "too long": ({"until": "2090-01-01"}, "within the next two years"),
    "a short fingerprint": ({"certificate": "ab:cd"}, "64 hexadecimal digits"),
    "no name": ({"name": " "}, "This field is required."),
}


@pytest.mark.parametrize(("changed", "sentence"), WRONG.values(), ids=WRONG)
def test_what_is_wrong_is_said_at_the_form(
    cast: Cast, sign_in: SignIn, changed: dict[str, str], sentence: str
):
    form = {"name": "Scanner", "numbers": "B-16180", "until": NEXT_YEAR, **changed}
    assert sentence in sign_in("boris").post("/devices/", form).text
    assert not Device.objects.exists()


def test_a_guardian_enrols_for_no_other_child_and_at_no_other_hospital(
    cast: Cast, sign_in: SignIn
):
    client = sign_in("grace")
    attempts: list[dict[str, object]] = [
        {"patients": [cast.other_child.pk]},
        {"patients": [cast.child.pk, cast.other_child.pk]},
        {"institution": cast.a.pk},
        {"patients": []},
    ]
    for changed in attempts:
        shown = client.post("/family/devices/", family_form(cast, **changed))
        assert "token" not in shown.context
    assert not Device.objects.exists()


@pytest.mark.parametrize("name", ["oscar", "bea", "boris", "ada", "carl"])
def test_whoever_is_no_guardian_enrols_no_family_device(cast: Cast, name: str):
    until = timezone.now() + timedelta(days=1)
    new = NewDevice(name="x", institution=cast.b, for_family=True, until=until)
    with pytest.raises(Refused):
        enrol_device(new=new, patients=[cast.child], by=cast.acting(name))


@pytest.mark.parametrize("name", ["grace", "bea", "ada", "carl", "petra"])
def test_only_the_admin_enrols_for_the_hospital(cast: Cast, name: str):
    until = timezone.now() + timedelta(days=1)
    new = NewDevice(name="x", institution=cast.b, for_family=False, until=until)
    with pytest.raises(Refused):
        enrol_device(new=new, patients=[cast.child], by=cast.acting(name))


def test_a_certificate_names_one_device_until_it_is_revoked(cast: Cast):
    until = timezone.now() + timedelta(days=1)
    new = NewDevice(
        name="x",
        institution=cast.b,
        for_family=True,
        until=until,
        certificate="cd" * 32,
    )
    device, _ = enrol_device(new=new, patients=[cast.child], by=cast.grace)
    with pytest.raises(Refused, match="already names another device"):
        enrol_device(new=new, patients=[cast.child], by=cast.grace)
    revoke_device(device=device, by=cast.grace)
    enrol_device(new=new, patients=[cast.child], by=cast.grace)


def test_revoking_asks_once_and_says_what_stays(cast: Cast, sign_in: SignIn):
    device, token = cast.device()
    client, address = sign_in("grace"), f"/devices/{device.pk}/revoke/"
    assert "What it has sent stays in the history." in client.get(address).text
    shown = client.post(address, follow=True)
    assert "Scanner at home can send nothing more." in shown.text
    assert "Revoked" in shown.text
    assert device_of_token(token) is None
    again = client.post(address, follow=True)
    assert "This device was revoked before." in again.text


def test_the_hospital_s_admin_may_stop_a_family_s_device_but_not_the_reverse(
    cast: Cast, sign_in: SignIn
):
    family, _ = cast.device()
    ward, _ = cast.device(by=cast.boris)
    assert sign_in("boris").get(f"/devices/{family.pk}/revoke/").status_code == 200
    assert sign_in("grace").get(f"/devices/{ward.pk}/revoke/").status_code == 404
    assert "Ward" not in sign_in("oscar").get("/family/devices/").text
    with pytest.raises(Refused):
        revoke_device(device=ward, by=cast.grace)


def test_any_guardian_stops_a_family_s_device_of_a_child(cast: Cast):
    second = add_guardian(
        patient=cast.child,
        full_name="Greta Abernathy",
        email="greta@people.example",
        by=cast.boris,
    )
    device, _ = cast.device()
    revoke_device(device=device, by=cast.acting("greta"))
    assert Act.objects.get(event=Event.DEVICE_REVOKED).actor == second.user


def test_a_guardian_who_is_kept_from_acting_has_no_device(cast: Cast, sign_in: SignIn):
    cast.device()
    freeze_guardian(guardian=cast.child.guardians.get(), by=cast.boris)
    assert sign_in("grace").get("/family/devices/").status_code == 404


def test_the_list_shows_for_whom_and_when_last_heard(cast: Cast, sign_in: SignIn):
    _device, token = cast.device()
    page = sign_in("boris").get("/devices/").text
    assert CHILD in page
    assert "never" in page
    device_of_token(token)
    assert "never" not in sign_in("boris").get("/devices/").text
