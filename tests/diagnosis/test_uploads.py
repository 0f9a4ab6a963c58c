"""What is uploaded is taken as it came, or refused at the field with nothing kept."""

from collections.abc import Callable
from pathlib import Path

import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from pydicom.data import get_testdata_file

from records.history import name_for
from records.models import Document
from records.opening import unseal
from tests.architecture.snapshots import snapshot
from tests.cast import FILE_NAME, Cast
from tests.diagnosis.imaging.files import (
    dataset,
    dicom,
    encoded,
    jpeg_dicom,
    picture,
    png_of,
    saved,
)

GREY, COLOUR = picture(), picture(colour=True)


def without_pixels() -> bytes:
    found = dataset(GREY)
    del found.PixelData
    content: bytes = saved(found)
    return content


def library_file(name: str) -> bytes:
    """A real file that pydicom brings along."""
    content: bytes = Path(str(get_testdata_file(name))).read_bytes()
    return content


BAD: dict[str, tuple[str, Callable[[], bytes], str]] = {
    "an empty file": ("scan.png", lambda: b"", "This file is empty."),
    "text named .png": (
        "scan.png",
        lambda: b"This is no image at all.\n" * 20,
        "This file is text; only PNG",
    ),
    "a truncated JPEG": (
        "scan.jpg",
        lambda: encoded(COLOUR, "JPEG")[:-200],
        "This JPEG file is ",
    ),
    "a truncated PNG": ("scan.png", lambda: encoded(GREY)[:-20], "This PNG file is "),
    "a PNG of 30,000 × 30,000 pixels": (
        "scan.png",
        lambda: png_of(30_000, 30_000, body=b"\0" * 10_000_000),
        "30,000",
    ),
    "DICOM without pixels": ("scan.dcm", without_pixels, "holds no image"),
    "DICOM of another modality": (
        "scan.dcm",
        lambda: library_file("CT_small.dcm"),
        "a computed tomography (CT)",
    ),
    "a truncated DICOM": ("scan.dcm", lambda: dicom(GREY)[:-500], "This "),
    "a PDF document": ("scan.png", lambda: b"%PDF-1.7\n", "a PDF document"),
}


def upload(client: Client, cast: Cast, name: str, data: bytes):
    file = SimpleUploadedFile(name, data)
    return client.post(reverse("upload", args=[cast.child.pk]), {"file": file})


def kept() -> set[Path]:
    return set(Path(settings.BLOCKS).rglob("*"))


def said_at_the_field(page: str) -> str:
    """The words of the error that stands at the file field."""
    return " ".join(page.split('id="id_file_error"')[1].split("</div>")[0].split())


@pytest.mark.parametrize(("name", "data", "sentence"), BAD.values(), ids=BAD)
def test_a_bad_file_is_refused_at_the_field_and_nothing_is_kept(
    cast: Cast, sign_in, name: str, data: Callable[[], bytes], sentence: str
):
    client = sign_in("bea")
    client.get(reverse("upload", args=[cast.child.pk]))
    rows, files = snapshot(), kept()
    response = upload(client, cast, name, data())
    assert response.status_code == 200
    assert sentence in said_at_the_field(response.text)
    assert snapshot() == rows
    assert kept() == files


def test_a_file_above_the_limit_is_refused_by_its_size(cast: Cast, sign_in, settings):
    settings.MAX_UPLOAD_BYTES = 100
    client = sign_in("bea")
    client.get(reverse("upload", args=[cast.child.pk]))
    rows, files = snapshot(), kept()
    response = upload(client, cast, "scan.png", encoded(COLOUR))
    said = said_at_the_field(response.text).replace("\xa0", " ")
    assert "at most 100 bytes can be uploaded" in said
    assert snapshot() == rows
    assert kept() == files


def test_no_file_is_said_at_the_field(cast: Cast, sign_in):
    response = sign_in("bea").post(
        reverse("upload", args=[cast.child.pk]), {"other": "field"}
    )
    assert "This field is required." in said_at_the_field(response.text)


GOOD: dict[str, tuple[str, Callable[[], bytes], str]] = {
    "PNG": ("scan.png", lambda: encoded(GREY), "image/png"),
    "JPEG": ("scan.jpg", lambda: encoded(COLOUR, "JPEG"), "image/jpeg"),
    "JPEG named .png": ("scan.png", lambda: encoded(COLOUR, "JPEG"), "image/jpeg"),
    "DICOM": ("IM0001", lambda: dicom(GREY), "application/dicom"),
    "DICOM of 30 frames": (
        "scan.dcm",
        lambda: library_file("examples_ybr_color.dcm"),
        "application/dicom",
    ),
}


@pytest.mark.parametrize(("name", "data", "media_type"), GOOD.values(), ids=GOOD)
def test_a_good_file_is_kept_exactly_as_it_came(
    cast: Cast, sign_in, name: str, data: Callable[[], bytes], media_type: str
):
    client, sent = sign_in("bea"), data()
    response = upload(client, cast, name, sent)
    document = Document.objects.latest("created_at")
    assert response.headers["Location"] == reverse("document", args=[document.pk])
    assert unseal(document, cast.child.holder_id) == sent
    assert document.media_type == media_type
    assert name_for(cast.bea, document) == name
    page = client.get(response.headers["Location"]).text
    assert "The image is sealed and in the history." in page
    assert "data:image/png;base64," in page


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("../../etc/passwd.png", "passwd.png"),
        ("Ärztin 左腎.png", "Ärztin 左腎.png"),
        ("<b>kim</b>.png", "b>.png"),
        ("x" * 400 + ".png", None),
        ("腎" * 200 + ".png", None),
    ],
)
def test_a_strange_name_is_sealed_and_shown_as_text(
    cast: Cast, sign_in, given: str, shown: str | None
):
    client = sign_in("bea")
    response = upload(client, cast, given, encoded(GREY))
    assert response.status_code == 302
    name = name_for(cast.bea, Document.objects.latest("created_at"))
    assert len(name.encode()) <= 200
    if shown:
        assert name == shown
    assert "<b>" not in client.get(response.headers["Location"]).text


def test_an_image_of_several_frames_is_looked_at_frame_by_frame(cast: Cast, sign_in):
    client = sign_in("bea")
    data = library_file("examples_ybr_color.dcm")
    address = upload(client, cast, "scan.dcm", data).headers["Location"]
    first = client.get(address, {"frame": "1"})
    last = client.get(address, {"frame": "30"})
    assert first.status_code == last.status_code == 200
    assert first.text.split("base64,")[1][:4000] != last.text.split("base64,")[1][:4000]


def test_a_damaged_later_frame_is_said_in_a_sentence(cast: Cast, sign_in):
    client = sign_in("bea")
    data = bytearray(jpeg_dicom([GREY, GREY]))
    second = data.rindex(b"\xff\xd8\xff")
    data[second + 2 : second + 300] = bytes(298)
    address = upload(client, cast, "scan.dcm", bytes(data)).headers["Location"]
    assert client.get(address, {"frame": "1"}).status_code == 200
    damaged = client.get(address, {"frame": "2"})
    assert damaged.status_code == 409
    assert "Frame 2 of this file is damaged." in damaged.text


@pytest.mark.parametrize("frame", ["0", "2", "-1", "x", "²", "1.0", "9" * 5000])
def test_a_frame_that_is_not_there_is_a_404(cast: Cast, sign_in, frame: str):
    address = reverse("document", args=[cast.image_b.pk])
    assert sign_in("bea").get(address, {"frame": frame}).status_code == 404


def test_the_page_says_who_the_image_is_for(cast: Cast, sign_in):
    page = sign_in("bea").get(reverse("upload", args=[cast.child.pk])).text
    assert "Kim Abernathy" in page
    assert "100.0" in page.replace("\xa0", " ")


def test_a_former_doctor_is_told_why_nothing_can_be_added(cast: Cast, sign_in):
    response = sign_in("alan").get(reverse("upload", args=[cast.child.pk]))
    assert response.status_code == 403
    assert "Only a doctor of a hospital that has this patient" in response.text


def test_the_name_is_read_by_the_key_holder_in_the_page(cast: Cast, sign_in):
    page = sign_in("grace").get(reverse("document", args=[cast.image_a.pk])).text
    assert FILE_NAME in page
