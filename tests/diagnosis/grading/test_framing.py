"""Letterboxes, there and back."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from diagnosis.grading.framing import Letterbox, resize
from diagnosis.grading.merging import crop_window, merge

sides = st.integers(64, 400)
PALETTE = ((0, 0, 0), (0, 255, 0), (255, 0, 0))


@given(sides, sides)
def test_a_letterbox_touches_two_edges_but_leaves_none(rows, columns):
    box = Letterbox.of((rows, columns), (473, 473))
    assert max(box.inner) == 473
    assert all(c + i <= 473 for c, i in zip(box.corner, box.inner, strict=True))
    assert abs(box.inner[0] / box.inner[1] - rows / columns) < 0.02 * rows / columns


def test_a_frame_of_the_papers_size_fills_1024_by_768_untouched():
    picture = np.arange(768 * 1024, dtype=np.uint8).reshape(768, 1024)
    box = Letterbox.of((768, 1024), (768, 1024))
    np.testing.assert_array_equal(box.place(picture), picture)
    np.testing.assert_array_equal(box.remove(picture, (768, 1024)), picture)


@given(sides, sides, st.integers(0, 2**32))
def test_labels_return_where_they_were(rows, columns, seed):
    corner = np.random.default_rng(seed).integers(0, [rows // 2, columns // 2])
    mask = np.zeros((rows, columns), dtype=np.uint8)
    mask[corner[0] : corner[0] + rows // 2, corner[1] : corner[1] + columns // 2] = 2
    box = Letterbox.of((rows, columns), (768, 1024))
    back = box.remove(box.place(mask, nearest=True), (rows, columns))
    np.testing.assert_array_equal(back, mask)


def test_padding_is_black():
    box = Letterbox.of((100, 200), (473, 473))
    frame = box.place(np.full((100, 200), 255, dtype=np.uint8))
    assert frame[box.window].min() == 255
    assert frame.sum() == 255 * box.inner[0] * box.inner[1]


def test_resizing_colour_keeps_the_channels():
    assert resize(np.zeros((608, 810, 3), dtype=np.uint8), (224, 224)).shape == (224, 224, 3)  # fmt: skip


@pytest.mark.parametrize(
    ("grey", "label", "expected"),
    [
        (100, 0, (90, 90, 90)),
        (100, 1, (90, 116, 90)),  # 90 + 25.5, to the even neighbour
        (255, 2, (255, 230, 230)),
        (0, 2, (26, 0, 0)),
    ],
)
def test_merging_follows_equation_8(grey, label, expected):
    frame = np.full((1, 1), grey, dtype=np.uint8)
    mask = np.full((1, 1), label, dtype=np.uint8)
    merged = merge(frame, mask, palette=PALETTE, alpha=0.1)
    assert np.abs(merged[0, 0].astype(int) - expected).max() <= 1


def test_without_alpha_the_frame_is_only_repeated():
    frame = np.arange(256, dtype=np.uint8).reshape(16, 16)
    merged = merge(frame, frame % 3, palette=PALETTE, alpha=0.0)
    np.testing.assert_array_equal(merged, np.repeat(frame[..., None], 3, axis=2))


@given(st.integers(0, 767), st.integers(0, 1023))
def test_the_crop_keeps_the_organ_inside_the_frame(row, column):
    mask = np.zeros((768, 1024), dtype=np.uint8)
    mask[row, column] = 1
    rows, columns = crop_window(mask, (608, 810))
    assert 0 <= rows.start <= row < rows.stop <= 768
    assert 0 <= columns.start <= column < columns.stop <= 1024
    assert (rows.stop - rows.start, columns.stop - columns.start) == (608, 810)


def test_the_crop_is_centred_on_a_central_organ_or_on_the_frame():
    mask = np.zeros((768, 1024), dtype=np.uint8)
    assert crop_window(mask, (608, 810)) == (slice(80, 688), slice(107, 917))
    mask[370:400, 500:560] = 1
    rows, columns = crop_window(mask, (608, 810))
    assert abs(rows.start + 304 - 385) <= 1
    assert abs(columns.start + 405 - 530) <= 1
