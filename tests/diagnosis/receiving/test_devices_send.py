"""What a device sends over HTTP is kept once, for its own child, or refused in words."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test import override_settings
from django.utils import timezone
from pydicom.uid import generate_uid

from ledger.encoding import decode_statement
from ledger.events import Event
from portal.models import HolderKey, Institution
from records.actions.devices import NewDevice, enrol_device, revoke_device
from records.actions.erasure import confirm_erasure
from records.actions.patients import end_enrolment, enrol_patient
from records.models import Act, Device, Document, Received
from records.opening import unseal
from records.storage.errors import StoreUnavailable
from tests.architecture.snapshots import snapshot
from tests.cast import Cast, picture
from tests.diagnosis.receiving.sending import (
    bearer,
    instance,
    kept,
    reasons,
    related_body,
    send_image,
    store,
)

UID = "1.2.826.0.1.3680043.8.498.1"


def sent(cast: Cast) -> list[Document]:
    """What devices added to the child's history, the oldest first."""
    rows = Document.objects.filter(received__isnull=False)
    return list(rows.order_by("created_at"))


def hospital_device(cast: Cast) -> tuple[Device, str]:
    """Boris's ward scanner, for both children at B."""
    new = NewDevice(
        name="Ward scanner",
        institution=cast.b,
        for_family=False,
        until=timezone.now() + timedelta(days=1),
    )
    return enrol_device(new=new, patients=[cast.child, cast.other_child], by=cast.boris)


# REST.


@pytest.mark.parametrize(
    ("content", "media_type"),
    [(picture(21), "image/png"), (instance(), "application/dicom")],
    ids=["png", "dicom"],
)
def test_an_image_is_kept_as_it_came_in_the_device_s_name(
    cast: Cast, content: bytes, media_type: str
):
    device, token = cast.device()
    response = send_image(token, content, media_type)
    assert response.status_code == 201
    (document,) = sent(cast)
    assert response.json() == {"document": str(document.pk), "is_new": True}
    assert unseal(document, cast.child.holder_id) == content
    assert unseal(document, cast.b.holder_id) == content
    assert (document.patient, document.institution) == (cast.child, cast.b)
    assert document.media_type == media_type
    act = Act.objects.get(document=document)
    assert (act.event, act.device, act.actor) == (
        Event.DOCUMENT_ADDED,
        device,
        cast.grace.user,
    )
    assert act.metadata["device"] == str(device.pk)
    assert act.done_by == "Scanner at home, a device enrolled by Grace Abernathy"


def test_the_family_s_key_signs_for_its_device_and_the_hospital_s_for_its_own(
    cast: Cast,
):
    for (_device, token), holder in (
        (cast.device(), cast.child.holder_id),
        (cast.device(by=cast.boris), cast.b.holder_id),
    ):
        assert send_image(token, picture(hash(token) % 1000 + 50)).status_code == 201
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT statement FROM ledger.inbox WHERE statement_id = %s",
                [bytes(sent(cast)[-1].statement_id)],
            )
            (raw,) = cursor.fetchone()
        author = decode_statement(bytes(raw)).author_key_id
        assert HolderKey.objects.get(key_id=author).holder_id == holder


def test_the_same_image_again_is_a_success_without_a_second_document(cast: Cast):
    _device, token = cast.device()
    first = send_image(token, picture(22))
    acts = Act.objects.count()
    again = send_image(token, picture(22))
    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json() == {"document": first.json()["document"], "is_new": False}
    assert len(sent(cast)) == 1
    assert Act.objects.count() == acts


def test_the_guardian_and_a_doctor_see_which_device_added_it(cast: Cast, sign_in):
    _device, token = cast.device()
    document = send_image(token, picture(23)).json()["document"]
    said = "Scanner at home, a device enrolled by Grace Abernathy"
    for name in ("grace", "bea"):
        assert said in sign_in(name).get(f"/patients/{cast.child.pk}/").text
        assert said in sign_in(name).get(f"/documents/{document}/").text
    assert said in sign_in("boris").get("/who-looked/").text


def test_a_doctor_whom_the_family_allows_sees_which_device_sent_to_another_hospital(
    cast: Cast, sign_in
):
    enrol_patient(code=cast.child.code, hospital_number="A-2", by=cast.ada)
    token = family_token(cast, cast.a)
    send_image(token, picture(24))
    history = f"/patients/{cast.child.pk}/"
    assert "Scanner at home" not in sign_in("bea").get(history).text
    cast.consent()
    assert "Scanner at home" in sign_in("bea").get(history).text


BROKEN = {
    "nothing": (b"", "This file is empty."),
    "text": (b"Hello, this is a text.\n" * 9, "This file is text; only PNG"),
    "a CT": (instance(modality="CT"), "not an ultrasound"),
    "no pixels": (instance()[:600], "This DICOM file holds no image."),
    "no instance": (instance(SOPInstanceUID=""), "no valid SOP Class and SOP Instance"),
}


@pytest.mark.parametrize(("content", "sentence"), BROKEN.values(), ids=BROKEN)
def test_what_is_no_image_is_refused_with_a_sentence(
    cast: Cast, content: bytes, sentence: str
):
    _device, token = cast.device()
    response = send_image(token, content)
    assert response.status_code == 422
    assert sentence in response.json()["detail"]
    assert sent(cast) == []


@override_settings(MAX_UPLOAD_BYTES=1000)
@pytest.mark.parametrize("by", [send_image, store], ids=["rest", "stow"])
def test_what_is_too_large_is_refused_with_a_sentence(cast: Cast, by):
    _device, token = cast.device()
    response = by(token, picture(25))
    assert response.status_code == 413
    assert response.json()["detail"].startswith("At most 1000\xa0bytes")


def test_the_store_s_trouble_is_nobody_s_document(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
):
    _device, token = cast.device()

    def fails(*_: object) -> None:
        raise StoreUnavailable("The store does not answer.")

    monkeypatch.setattr("records.storage.folder.FolderStore.put", fails)
    for response in (send_image(token, picture(26)), store(token, instance())):
        assert response.status_code == 503
        assert response.json()["detail"].endswith("Send it again in a minute.")
    assert sent(cast) == []


# Whose it is.


@pytest.mark.parametrize("number", ["B-27182", "b 27182", "B-27182  "])
def test_with_several_children_the_hospital_number_says_whose_it_is(
    cast: Cast, number: str
):
    _device, token = hospital_device(cast)
    assert store(token, instance(PatientID=number)).status_code == 200
    assert send_image(token, picture(27), Patient_Number=number).status_code == 201
    assert {d.patient for d in sent(cast)} == {cast.other_child}


@pytest.mark.parametrize("number", ["A-31415", "B-99999", "'; --", "x" * 5000])
def test_a_number_of_nobody_here_is_refused_the_same_whoever_has_it_elsewhere(
    cast: Cast, number: str
):
    """A-31415 is what hospital A called the child."""
    _device, token = hospital_device(cast)
    response = send_image(token, picture(28), Patient_Number=number)
    assert response.status_code == 403
    assert response.json()["detail"] == (
        "This device may send for no patient with this hospital number. Check the"
        " number, and for whom the device is enrolled."
    )
    assert sent(cast) == []


def test_with_several_children_an_image_of_nobody_says_what_would_do(cast: Cast):
    _device, token = hospital_device(cast)
    response = send_image(token, picture(29))
    assert response.status_code == 403
    assert "Give each image its patient's hospital number" in response.json()["detail"]
    assert reasons(store(token, instance(PatientID=""))) == [0x0124]


def test_one_that_is_left_of_several_still_needs_its_number(cast: Cast):
    _device, token = hospital_device(cast)
    end_enrolment(
        enrolment=cast.child.enrolments.get(institution=cast.b), by=cast.boris
    )
    assert send_image(token, picture(30)).status_code == 403
    response = send_image(token, picture(30), Patient_Number="B-16180")
    assert response.status_code == 403
    assert sent(cast) == []


def test_care_that_ends_ends_the_device(cast: Cast):
    _device, token = cast.device()
    end_enrolment(
        enrolment=cast.child.enrolments.get(institution=cast.b), by=cast.grace
    )
    assert send_image(token, picture(31)).status_code == 403


# Who it is.


def test_a_token_that_counts_no_more_gets_the_answer_of_one_that_never_did(cast: Cast):
    device, token = cast.device()
    never = send_image("never-" + token, picture(32))
    revoke_device(device=device, by=cast.grace)
    revoked = send_image(token, picture(32))
    other, late = cast.device()
    Device.objects.filter(pk=other.pk).update(expires_at=timezone.now())
    run_out = send_image(late, picture(32))
    for response in (never, revoked, run_out):
        assert response.status_code == 401
        assert response.content == never.content
        assert response.headers["WWW-Authenticate"] == "Bearer"
    assert sent(cast) == []


@pytest.mark.parametrize(
    "authorization", ["", "Bearer", "Bearer ", "Basic abc", "Token abc", "Bearer \x00"]
)
def test_without_a_token_nobody_sends(cast: Cast, client, authorization: str):
    for to in ("/api/images/", "/dicom-web/studies", "/dicom-web/studies/1.2"):
        response = client.post(
            to,
            picture(33),
            content_type="image/png",
            headers={"Authorization": authorization},
        )
        assert response.status_code == 401


def test_a_token_opens_nothing_else(cast: Cast, client):
    _device, token = cast.device()
    for page in ("/api/patients/", f"/patients/{cast.child.pk}/", "/family/"):
        assert client.get(page, headers=bearer(token)).status_code in {302, 403}


def test_only_the_hash_of_a_token_is_kept(cast: Cast):
    _device, token = cast.device()
    assert not [t for t, rows in snapshot().items() if any(token in r for r in rows)]


CERTIFICATE = "ab" * 32


def test_a_device_with_a_certificate_is_not_known_without_it(cast: Cast):
    device, token = cast.device()
    Device.objects.filter(pk=device.pk).update(certificate=CERTIFICATE)
    shown = {"X_Client_Sha256": ":".join([CERTIFICATE[:2].upper()] * 32)}
    assert send_image(token, picture(34)).status_code == 401
    # No proxy is trusted: the header says nothing.
    assert send_image(token, picture(34), **shown).status_code == 401
    with override_settings(DEVICE_CERTIFICATE_HEADER="X-Client-Sha256"):
        assert send_image(token, picture(34)).status_code == 401
        assert send_image("x", picture(34), **shown).status_code == 401
        assert send_image(token, picture(34), **shown).status_code == 201


@override_settings(DEVICE_RATE=3)
def test_a_device_that_floods_is_told_when_to_go_on(cast: Cast):
    _device, token = cast.device()
    codes = [send_image(token, b"").status_code for _ in range(8)]
    # The minute may turn over once on the way.
    assert codes.count(429) >= 2
    response = send_image(token, b"")
    if response.status_code == 429:
        assert 0 < int(response.headers["Retry-After"]) <= 60
    _other, another = cast.device()
    assert send_image(another, b"").status_code == 422


def test_when_a_device_was_heard_is_kept(cast: Cast):
    device, token = cast.device()
    assert device.heard_at is None
    send_image(token, b"")
    device.refresh_from_db()
    assert device.heard_at is not None


# STOW-RS.


def test_all_instances_of_a_request_are_kept_and_named(cast: Cast):
    _device, token = cast.device()
    uids = [generate_uid() for _ in range(3)]
    contents = [instance(n, SOPInstanceUID=uid) for n, uid in enumerate(uids)]
    response = store(token, *contents)
    assert response.status_code == 200
    assert response.headers["Content-Type"] == "application/dicom+json"
    assert (kept(response), reasons(response)) == (uids, [])
    assert len(sent(cast)) == 3
    again = store(token, *contents)
    assert (again.status_code, kept(again)) == (200, uids)
    assert len(sent(cast)) == 3


def test_another_header_around_the_same_pixels_is_the_same_image(cast: Cast):
    _device, token = cast.device()
    store(token, instance(SOPInstanceUID=UID))
    again = instance(SOPInstanceUID=UID, InstitutionName="Elsewhere")
    assert store(token, again).status_code == 200
    assert len(sent(cast)) == 1


def test_other_pixels_under_the_same_uid_are_a_conflict(cast: Cast):
    _device, token = cast.device()
    store(token, instance(1, SOPInstanceUID=UID))
    response = store(token, instance(2, SOPInstanceUID=UID))
    assert (response.status_code, reasons(response)) == (409, [0x0111])
    rest = send_image(token, instance(2, SOPInstanceUID=UID))
    assert rest.status_code == 409
    assert "needs a new one" in rest.json()["detail"]
    assert len(sent(cast)) == 1


def test_what_one_instance_is_refused_for_does_not_touch_the_others(cast: Cast):
    _device, token = cast.device()
    uid = generate_uid()
    response = store(
        token,
        instance(modality="CT", SOPInstanceUID=UID),
        instance(SOPInstanceUID=uid),
        b"This is no DICOM at all.",
    )
    assert response.status_code == 202
    assert (kept(response), reasons(response)) == ([uid], [0xC000, 0xC000])
    failed = response.json()["00081198"]["Value"][0]
    assert failed["00081155"]["Value"] == [UID]
    assert "not an ultrasound" in failed["0040A160"]["Value"][0]
    assert "00081155" not in response.json()["0008119A"]["Value"][0]


def test_an_address_that_names_a_study_takes_that_study_alone(cast: Cast):
    _device, token = cast.device()
    content = instance(StudyInstanceUID="1.2.3", SOPInstanceUID=UID)
    elsewhere = store(token, content, to="/dicom-web/studies/1.2.4")
    assert (elsewhere.status_code, reasons(elsewhere)) == (409, [0xA900])
    assert store(token, content, to="/dicom-web/studies/1.2.3").status_code == 200


RELATED = "multipart/related; type="
NO_BODY = {
    "a form": ("multipart/form-data; boundary=x", b"", 415),
    "json": (f'{RELATED}"application/dicom+json"; boundary=x', b"", 415),
    "one file": ("application/dicom", instance(), 415),
    "nothing": ("", b"", 415),
    "no boundary": (f'{RELATED}"application/dicom"', related_body(b"x"), 400),
    "another boundary": (
        f'{RELATED}"application/dicom"; boundary=other',
        related_body(b"x"),
        400,
    ),
    "no parts": (
        f'{RELATED}"application/dicom"; boundary=a-boundary',
        related_body(),
        400,
    ),
    "cut short": (
        f'{RELATED}"application/dicom"; boundary=a-boundary',
        related_body(instance())[:-20],
        400,
    ),
    "other parts": (
        f'{RELATED}"application/dicom"; boundary=a-boundary',
        related_body(b"{}", media_type="application/json"),
        415,
    ),
}


@pytest.mark.parametrize(
    ("content_type", "body", "code"), NO_BODY.values(), ids=NO_BODY
)
def test_another_body_is_refused_with_a_sentence(
    cast: Cast, content_type: str, body: bytes, code: int
):
    _device, token = cast.device()
    response = store(token, body=body, content_type=content_type)
    assert response.status_code == code
    assert response.json()["detail"].endswith(".")


def test_a_client_that_wants_xml_is_told(cast: Cast):
    _device, token = cast.device()
    assert store(token, Accept="application/dicom+xml").status_code == 406


# What the family takes back.


def test_an_erased_image_leaves_no_trace_of_what_it_was(cast: Cast):
    _device, token = cast.device()
    send_image(token, picture(35))
    assert Received.objects.count() == 1
    confirm_erasure(erasure=cast.asked_to_erase(cast.b), by=cast.boris)
    assert Received.objects.count() == 0


def test_the_same_image_for_another_hospital_is_that_hospital_s_own(cast: Cast):
    """Hospital B must not lack an image because A has it."""
    enrol_patient(code=cast.child.code, hospital_number="A-2", by=cast.ada)
    for hospital in (cast.a, cast.b):
        token = family_token(cast, hospital)
        assert send_image(token, picture(36)).status_code == 201
    assert {d.institution for d in sent(cast)} == {cast.a, cast.b}


def family_token(cast: Cast, hospital: Institution) -> str:
    new = NewDevice(
        name="Scanner at home",
        institution=hospital,
        for_family=True,
        until=timezone.now() + timedelta(days=1),
    )
    _device, token = enrol_device(new=new, patients=[cast.child], by=cast.grace)
    return token


def test_the_names_of_devices_lie_sealed(cast: Cast):
    cast.device()
    rows = snapshot()["public.records_device"]
    assert rows
    assert not any("Scanner" in row for row in rows)
