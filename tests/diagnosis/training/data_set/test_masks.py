"""Masks by whichever program drew them become class indices."""

import json

import numpy as np
import pytest
from PIL import Image

from diagnosis.grading.manifest import CLASSES
from diagnosis.training.data_set.masks import read_mask
from diagnosis.training.errors import DataSetRefused
from tests.diagnosis.training.data_set.drawing import FLUID, KIDNEY, SIDE, labelme

SIZE = (SIDE, SIDE)
SQUARE = [[10, 10], [29, 10], [29, 29], [10, 29]]


def save(path, mask, palette=None):
    image = Image.fromarray(mask)
    if palette:
        image.putpalette(palette)
    image.save(path)
    return path


def striped(*values):
    mask = np.zeros(SIZE, np.uint8)
    for row, value in enumerate(values):
        mask[8 * row + 8 : 8 * row + 16] = value
    return mask


def test_indices_are_taken_as_they_are(tmp_path):
    mask = striped(1, 2)
    path = save(tmp_path / "m.png", mask)
    np.testing.assert_array_equal(read_mask(path, SIZE, CLASSES), mask)


def test_indices_into_a_palette_are_not_its_colours(tmp_path):
    mask = striped(1, 2)
    path = save(tmp_path / "m.png", mask, palette=[0, 0, 0, 0, 255, 0, 255, 0, 0])
    np.testing.assert_array_equal(read_mask(path, SIZE, CLASSES), mask)


def test_white_is_the_last_class(tmp_path):
    path = save(tmp_path / "m.png", striped(255))
    np.testing.assert_array_equal(read_mask(path, SIZE, CLASSES), striped(2))


def test_a_jpeg_is_split_in_the_middle(tmp_path):
    path = save(tmp_path / "m.jpg", striped(255))
    found = read_mask(path, SIZE, CLASSES)
    assert set(np.unique(found)) == {0, 2}
    assert (found != striped(2)).mean() < 0.02


def test_refuses_values_that_are_no_class(tmp_path):
    path = save(tmp_path / "m.png", striped(1, 2, 7))
    with pytest.raises(DataSetRefused, match=r"m\.png holds the value 7"):
        read_mask(path, SIZE, CLASSES)


def test_labelme_polygons_rectangles_and_circles_are_filled(tmp_path):
    path = labelme(
        tmp_path / "m.json",
        [
            (FLUID, "circle", [[20, 20], [24, 20]]),
            (KIDNEY, "polygon", SQUARE),
            (KIDNEY, "rectangle", [[40, 44], [35, 33]]),
        ],
    )
    mask = read_mask(path, SIZE, CLASSES)
    assert (mask == 2).sum() == pytest.approx(np.pi * 16, rel=0.3)
    assert (mask > 0).sum() == 20 * 20 + 6 * 12
    assert mask[20, 20] == 2, "fluid lies over the kidney though drawn before it"


@pytest.mark.parametrize(
    ("shape", "sentence"),
    [
        (("liver", "polygon", SQUARE), "'liver', which is none of background"),
        ((KIDNEY, "line", SQUARE[:2]), "kind 'line'"),
        ((KIDNEY, "polygon", SQUARE[:2]), "a polygon of 2 points"),
        ((KIDNEY, "circle", SQUARE), "a circle of 4 points"),
    ],
)
def test_refuses_shapes_that_cannot_be_filled(tmp_path, shape, sentence):
    path = labelme(tmp_path / "m.json", [shape])
    with pytest.raises(DataSetRefused, match=rf"m\.json .*{sentence}"):
        read_mask(path, SIZE, CLASSES)


def test_refuses_labelme_of_another_image(tmp_path):
    path = labelme(tmp_path / "m.json", [], side=SIDE + 1)
    with pytest.raises(DataSetRefused, match="drawn on an image of 49 × 49"):
        read_mask(path, SIZE, CLASSES)


@pytest.mark.parametrize(
    "content", ["[]", "{", json.dumps({"shapes": [{"label": "x", "points": [1]}]})]
)
def test_refuses_json_that_labelme_did_not_write(tmp_path, content):
    (tmp_path / "m.json").write_text(content)
    with pytest.raises(DataSetRefused, match=r"m\.json is no LabelMe file"):
        read_mask(tmp_path / "m.json", SIZE, CLASSES)
