"""Nothing but the ultrasound leaves the hospital."""

from io import BytesIO
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont, PngImagePlugin

from diagnosis.imaging.banner import banner_height
from diagnosis.imaging.decoding import decode
from diagnosis.imaging.desensitising import LOOK, desensitise
from tests.diagnosis.imaging.files import (
    PATIENT_ID,
    PATIENT_NAME,
    dicom,
    encoded,
    picture,
    png_chunks,
    region,
)

GREY, RGB = picture(200, 240), picture(200, 240, colour=True)


@pytest.mark.parametrize("frames", [GREY, RGB[None]], ids=["grey", "colour"])
def test_everything_outside_the_regions_is_black(frames):
    regions = [region(20, 40, 119, 159), region(130, 50, 219, 149)]
    image = decode(dicom(frames, SequenceOfUltrasoundRegions=regions))

    sent = desensitise(image)

    inside = np.zeros(GREY.shape, dtype=bool)
    inside[40:160, 20:120] = inside[50:150, 130:220] = True
    np.testing.assert_array_equal(sent.pixels[inside], image.pixels[inside])
    assert not sent.pixels[~inside].any()
    assert sent.removed[1] == "Everything outside the 2 ultrasound regions is blanked."
    assert sent.remaining == (LOOK,)


def test_one_region_is_said_in_the_singular():
    one = [region(20, 40, 119, 159)]
    sent = desensitise(decode(dicom(GREY, SequenceOfUltrasoundRegions=one)))

    assert sent.removed[1] == "Everything outside the ultrasound region is blanked."


@pytest.mark.parametrize(("columns", "rows"), [(240, 199), (239, 200), (235, 195)])
def test_a_region_short_of_the_whole_picture_keeps_no_banner(columns, rows):
    nearly = [region(0, 0, columns - 1, rows - 1)]
    image = decode(dicom(GREY, SequenceOfUltrasoundRegions=nearly))

    sent = desensitise(image)

    assert not sent.pixels[: banner_height(image.pixels)].any()
    assert sent.pixels[100, :columns].any()
    assert "Everything outside" in sent.removed[1]
    assert "where scanners write names" in sent.removed[2]


def test_the_png_holds_the_same_pixels_and_nothing_else():
    sent = desensitise(decode(dicom(RGB[None])))

    assert set(png_chunks(sent.png)) == {b"IHDR", b"IDAT", b"IEND"}
    np.testing.assert_array_equal(decode(sent.png).pixels, sent.pixels)


def test_no_identifier_of_a_dicom_file_survives():
    data = dicom(RGB[None])
    assert PATIENT_NAME.encode() in data

    png = desensitise(decode(data)).png

    for word in (*PATIENT_NAME.split("^"), PATIENT_ID, "20190304"):
        assert word.encode() not in png
        assert word.encode("utf-16-le") not in png


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_no_note_of_a_png_or_jpeg_survives(kind):
    exif = Image.Exif()
    exif[0x010E] = PATIENT_NAME
    options: dict[str, Any] = {"exif": exif, "icc_profile": PATIENT_ID.encode()}
    if kind == "PNG":
        options["pnginfo"] = PngImagePlugin.PngInfo()
        options["pnginfo"].add_text("Patient", PATIENT_NAME)
    else:
        options["comment"] = PATIENT_NAME
    data = encoded(RGB, kind, **options)
    assert data.count(PATIENT_NAME.encode()) == 2

    sent = desensitise(decode(data))

    assert set(png_chunks(sent.png)) == {b"IHDR", b"IDAT", b"IEND"}
    assert PATIENT_NAME.encode() not in sent.png
    assert kind in sent.removed[0]


@pytest.mark.parametrize(
    "data",
    [
        dicom(GREY),
        encoded(GREY),
        encoded(GREY, "JPEG", quality=95),
        dicom(GREY, SequenceOfUltrasoundRegions=[region(0, 0, 239, 199)]),
    ],
    ids=["dicom", "png", "jpeg", "one region over everything"],
)
def test_without_useful_regions_the_top_banner_is_black(data):
    image = decode(data)

    sent = desensitise(image)

    assert not sent.pixels[:24].any()
    np.testing.assert_array_equal(sent.pixels[24:], image.pixels[24:])
    assert sent.removed[1].startswith("The top 12 % of the picture (24 rows), where")


def test_the_decoded_image_itself_is_left_alone():
    image = decode(encoded(GREY))

    desensitise(image)

    np.testing.assert_array_equal(image.pixels, GREY)


def test_the_doctor_learns_that_one_frame_is_sent():
    sent = desensitise(decode(dicom(np.stack([GREY, GREY])), frame=1))

    assert sent.removed[-1] == "Only frame 2 of 2 is sent."


def test_regions_drawn_for_another_size_are_pointed_out():
    wide = [region(20, 40, 500, 400)]
    sent = desensitise(decode(dicom(GREY, SequenceOfUltrasoundRegions=wide)))

    assert "reach beyond the picture" in sent.remaining[0]
    assert not sent.pixels[:40].any()


@pytest.mark.parametrize("background", [0, 40, 235])
@pytest.mark.parametrize(("top", "size"), [(4, 16), (60, 20), (88, 24)])
def test_writing_below_the_least_banner_is_followed(background, top, size):
    """600 rows: at least 72 are banner, at most 150."""
    image = Image.fromarray(np.full((600, 800), background, np.uint8))
    ink = 255 if background < 128 else 0
    font = ImageFont.load_default(size)
    ImageDraw.Draw(image).text((30, top), "Thandiwe Mbeki  0042", ink, font)
    written = np.asarray(image)
    last = np.flatnonzero((written != background).any(axis=1))[-1]

    height = banner_height(written)

    assert max(72, last + 1) <= height <= max(72, last + 4)


def test_tissue_is_not_taken_for_writing():
    grain = np.random.default_rng(7).normal(110, 40, (600, 800))
    speckle = np.clip(grain, 0, 255).astype(np.uint8)

    assert banner_height(speckle) == 72


def test_writing_over_the_whole_picture_takes_no_more_than_a_quarter():
    image = Image.new("L", (800, 600))
    for top in range(0, 600, 20):
        ImageDraw.Draw(image).text((30, top), "Thandiwe Mbeki 0042", 255)

    assert banner_height(np.asarray(image)) == 150


def test_what_is_sent_does_not_depend_on_what_was_hidden():
    """Two files that differ only in what must go give the same bytes."""
    regions = [region(20, 40, 219, 159)]
    other = GREY.copy()
    other[:40] = 255 - other[:40]
    first, second = (
        desensitise(decode(dicom(p, SequenceOfUltrasoundRegions=regions)))
        for p in (GREY, other)
    )

    assert first.png == second.png
    assert Image.open(BytesIO(first.png)).info == {}
