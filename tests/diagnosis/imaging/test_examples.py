"""Ultrasounds of three makers, as pydicom ships them, decode frame by frame."""

import numpy as np
import pytest
from pydicom.pixels.processing import apply_color_lut
from pydicom.pixels.utils import pixel_array

from diagnosis.imaging.decoding import decode, inspect
from diagnosis.imaging.desensitising import desensitise
from diagnosis.imaging.errors import ImageRefused
from diagnosis.imaging.image import Region

MULTI_FRAME = "examples_ybr_color.dcm"


def test_every_frame_of_the_multi_frame_heart_agrees_with_pydicom(shipped, example):
    data, found = shipped(MULTI_FRAME), example(MULTI_FRAME)

    facts = inspect(data)
    assert (facts.frames, facts.rows, facts.columns) == (30, 240, 320)
    for frame in range(facts.frames):
        expected = pixel_array(found, index=frame).astype(int)
        assert np.abs(decode(data, frame=frame).pixels - expected).max() <= 2


def test_the_first_and_last_frame_differ(shipped):
    first, last = (decode(shipped(MULTI_FRAME), frame=f).pixels for f in (0, 29))

    assert (first != last).any()


def test_the_palette_image_agrees_with_pydicom(shipped, example):
    found = example("examples_palette.dcm")
    expected = apply_color_lut(pixel_array(found), found) >> 8

    image = decode(shipped("examples_palette.dcm"))

    np.testing.assert_array_equal(image.pixels, expected)
    assert image.regions == (Region(120, 60, 800, 350, overreaches=True),)
    assert image.millimetres_per_pixel is None


def test_the_colour_image_agrees_with_pydicom(shipped, example):
    image = decode(shipped("examples_rgb_color.dcm"))

    expected = pixel_array(example("examples_rgb_color.dcm"))
    np.testing.assert_array_equal(image.pixels, expected)


def test_the_jpeg_2000_image_is_refused_by_name(shipped):
    with pytest.raises(ImageRefused, match=r"JPEG 2000 .* cannot be read"):
        decode(shipped("examples_jpeg2k.dcm"))


def test_the_banner_with_hospital_and_numbers_is_blanked(shipped):
    """Its five lines of writing end at row 50 of 240, the tissue begins at 53."""
    image = decode(shipped("examples_rgb_color.dcm"))

    kept = desensitise(image).pixels

    assert not kept[:51].any()
    np.testing.assert_array_equal(kept[55:], image.pixels[55:])
