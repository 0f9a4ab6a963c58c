"""Masks are drawn in colours that everyone can tell apart."""

from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from diagnosis.imaging.overlay import LABELS, layer_png, overlay_png, preview_png
from tests.diagnosis.imaging.files import picture, png_chunks

KIDNEY, FLUID = (np.array(label.colour) for label in LABELS)


def opened(png):
    return np.asarray(Image.open(BytesIO(png)))


@pytest.fixture
def mask():
    """A kidney of 60 × 80 pixels with fluid of 20 × 30 in it."""
    drawn = np.zeros((100, 120), np.uint8)
    drawn[20:80, 20:100] = 1
    drawn[40:60, 45:75] = 2
    return drawn


@pytest.mark.parametrize("colour", [False, True])
def test_outlines_run_along_the_borders_and_nowhere_else(mask, colour):
    pixels = picture(100, 120, colour=colour)
    drawn = opened(overlay_png(pixels, mask))
    plain = np.asarray(Image.fromarray(pixels).convert("RGB"))

    assert (drawn[20, 20:100] == KIDNEY).all()
    assert (drawn[20:80, 99] == KIDNEY).all()
    assert (drawn[40, 45:75] == FLUID).all()
    # Neither inside the areas, nor between kidney and fluid, nor outside.
    for rows, columns in (
        ((45, 55), (50, 70)),
        ((22, 39), (22, 98)),
        ((0, 20), (0, 120)),
    ):
        window = np.s_[slice(*rows), slice(*columns)]
        np.testing.assert_array_equal(drawn[window], plain[window])


def test_filling_tints_the_areas_by_the_opacity(mask):
    black = np.zeros(mask.shape, np.uint8)
    drawn = opened(overlay_png(black, mask, filled=True, opacity=0.5)).astype(int)

    assert np.abs(drawn[50, 30] - KIDNEY / 2).max() <= 1
    assert np.abs(drawn[50, 60] - FLUID / 2).max() <= 1
    assert not drawn[5, 5].any()


def test_the_layer_alone_is_transparent_where_nothing_is_drawn(mask):
    layer = opened(layer_png(mask))

    assert layer.shape == (100, 120, 4)
    assert layer[20, 50].tolist() == [*KIDNEY, 255]
    assert not layer[50, 60].any()
    assert not layer[0, 0].any()


def test_an_empty_mask_leaves_the_image_as_it_is():
    pixels = picture(100, 120, colour=True)

    empty = np.zeros((100, 120), np.uint8)
    np.testing.assert_array_equal(opened(overlay_png(pixels, empty)), pixels)


def test_a_mask_of_another_size_is_an_error(mask):
    with pytest.raises(ValueError, match="The mask is"):
        overlay_png(picture(100, 121), mask)


def test_the_legend_has_a_colour_and_a_name_for_each_value():
    assert [label.value for label in LABELS] == [1, 2]
    assert [label.css for label in LABELS] == ["#56b4e9", "#e69f00"]
    assert len({label.name for label in LABELS}) == 2


def seen_by(colour, matrix):
    """A colour as someone sees it who lacks one kind of cone (Viénot 1999)."""
    linear = (np.asarray(colour) / 255) ** 2.2
    return (np.clip(matrix @ linear, 0, 1) ** (1 / 2.2)) * 255


@pytest.mark.parametrize(
    "matrix",
    [
        [[0.11238, 0.88762, 0], [0.11238, 0.88762, 0], [0.00401, -0.00401, 1]],
        [[0.29275, 0.70725, 0], [0.29275, 0.70725, 0], [-0.02234, 0.02234, 1]],
    ],
    ids=["protanopia", "deuteranopia"],
)
def test_colours_stay_apart_for_the_colour_blind(matrix):
    kidney, fluid = (seen_by(colour, np.array(matrix)) for colour in (KIDNEY, FLUID))

    assert np.linalg.norm(kidney - fluid) > 100


@pytest.mark.parametrize(
    ("shape", "side", "expected"),
    [((300, 600, 3), 150, (75, 150, 3)), ((100, 50), 400, (100, 50))],
)
def test_a_preview_is_shrunk_but_never_enlarged(shape, side, expected):
    png = preview_png(np.full(shape, 90, np.uint8), side)

    assert opened(png).shape == expected
    assert set(png_chunks(png)) == {b"IHDR", b"IDAT", b"IEND"}


def test_a_preview_of_no_pixels_is_an_error():
    with pytest.raises(ValueError, match="at least one pixel"):
        preview_png(picture(), 0)
