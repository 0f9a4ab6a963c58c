"""Ultrasound regions and their scale are read, never guessed."""

import pytest

from diagnosis.imaging.decoding import decode
from diagnosis.imaging.errors import ImageRefused
from diagnosis.imaging.image import Region
from tests.diagnosis.imaging.files import dicom, picture, region

CENTIMETRES = {"PhysicalUnitsXDirection": 3, "PhysicalUnitsYDirection": 3}


def regions_of(*items):
    """Decode an image 96 pixels wide, 80 high, with these regions."""
    return decode(dicom(picture(80, 96), SequenceOfUltrasoundRegions=list(items)))


def test_the_last_pixel_named_belongs_to_the_region():
    image = regions_of(region(10, 20, 89, 69))

    assert image.regions == (Region(10, 20, 90, 70),)


@pytest.mark.parametrize(
    ("corners", "expected"),
    [
        ((0, 0, 95, 79), Region(0, 0, 96, 80)),
        ((0, 0, 96, 80), Region(0, 0, 96, 80)),
        ((0, 0, 97, 79), Region(0, 0, 96, 80, overreaches=True)),
        ((90, 70, 4_000_000_000, 300), Region(90, 70, 96, 80, overreaches=True)),
        ((5, 5, 5, 5), Region(5, 5, 6, 6)),
    ],
)
def test_regions_are_clipped_to_the_image(corners, expected):
    assert regions_of(region(*corners)).regions == (expected,)


@pytest.mark.parametrize("corners", [(96, 0, 200, 79), (0, 80, 9, 99), (9, 9, 8, 20)])
def test_regions_that_hold_no_pixel_are_left_out(corners):
    assert regions_of(region(*corners)).regions == ()


def test_drawings_are_no_ultrasound_region():
    image = regions_of(
        region(0, 0, 9, 9, RegionSpatialFormat=5), region(10, 10, 50, 50)
    )

    assert image.regions == (Region(10, 10, 51, 51),)


def test_lengths_in_centimetres_give_millimetres_per_pixel():
    item = region(
        0, 9, 89, 69, **CENTIMETRES, PhysicalDeltaX=0.025, PhysicalDeltaY=-0.03
    )
    image = regions_of(item)

    assert image.millimetres_per_pixel == pytest.approx((0.25, 0.3))
    assert image.regions[0].millimetres_per_pixel == image.millimetres_per_pixel


@pytest.mark.parametrize(
    "elements",
    [
        {"PhysicalUnitsXDirection": 4},
        {"PhysicalUnitsYDirection": 0},
        {"PhysicalDeltaX": 0.0},
        {"PhysicalDeltaY": float("nan")},
    ],
)
def test_other_units_or_impossible_steps_give_no_scale(elements):
    steps = {"PhysicalDeltaX": 0.025, "PhysicalDeltaY": 0.025}
    image = regions_of(region(0, 9, 89, 69, **CENTIMETRES | steps | elements))

    assert image.millimetres_per_pixel is None


def test_a_region_drawn_for_another_size_gives_no_scale():
    item = region(
        0, 9, 200, 69, **CENTIMETRES, PhysicalDeltaX=0.025, PhysicalDeltaY=0.025
    )

    assert regions_of(item).millimetres_per_pixel is None


@pytest.mark.parametrize(("second", "scale"), [(0.02, (0.2, 0.2)), (0.04, None)])
def test_two_regions_give_a_scale_only_if_they_agree(second, scale):
    left = region(0, 9, 39, 69, **CENTIMETRES, PhysicalDeltaX=0.02, PhysicalDeltaY=0.02)
    right = region(
        40, 9, 89, 69, **CENTIMETRES, PhysicalDeltaX=second, PhysicalDeltaY=second
    )

    assert regions_of(left, right).millimetres_per_pixel == scale


def test_a_region_without_corners_is_refused():
    broken = region(0, 0, 9, 9)
    del broken.RegionLocationMaxX1

    with pytest.raises(ImageRefused, match="The ultrasound regions are damaged"):
        regions_of(broken)


def test_a_file_without_regions_has_the_scale_of_its_pixel_spacing():
    image = decode(dicom(picture(80, 96), PixelSpacing=[0.3, 0.2]))

    assert image.millimetres_per_pixel == (0.2, 0.3)  # rows come first in the file


@pytest.mark.parametrize("spacing", [[0.0, 0.2], [-0.2, 0.2], None])
def test_an_impossible_pixel_spacing_gives_no_scale(spacing):
    image = decode(dicom(picture(80, 96), PixelSpacing=spacing))

    assert image.millimetres_per_pixel is None


def test_regions_come_before_the_pixel_spacing():
    file = dicom(
        picture(80, 96),
        PixelSpacing=[0.3, 0.2],
        SequenceOfUltrasoundRegions=[region(0, 9, 89, 69)],
    )

    assert decode(file).millimetres_per_pixel is None
