"""The figures of segmenters."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics

from diagnosis.training.measuring.segmentation import Marked, count_pixels, figures

seeds = st.integers(0, 10_000)
CLASSES = ("none", "kidney", "fluid")


def marked(truths, answers, weights=None):
    pixels = [count_pixels(t, a, 3) for t, a in zip(truths, answers, strict=True)]
    count = len(pixels)
    weights = np.ones(count) if weights is None else np.array(weights)
    return Marked(np.stack(pixels), np.arange(count), weights, CLASSES)


def masks(seed, count=4):
    rng = np.random.default_rng(seed)
    return rng.integers(3, size=(2, count, 6, 7), dtype=np.uint8)


def measure(found):
    return figures(found, np.arange(len(found.pixels)))


def test_a_case_worked_out_by_hand():
    truth = np.array([[0, 0, 1, 1]], np.uint8)
    answer = np.array([[0, 1, 1, 1]], np.uint8)
    found = measure(marked([truth], [answer]))
    assert found["accuracy"] == 0.75
    assert found["none: iou"] == 0.5
    assert found["kidney: iou"] == pytest.approx(2 / 3)
    assert found["miou"] == pytest.approx((1 / 2 + 2 / 3) / 2)
    assert found["mpa"] == pytest.approx((0.5 + 1) / 2)
    assert found["kidney: dice"] == pytest.approx(0.8)
    assert np.isnan(found["fluid: dice"])


@given(seeds)
def test_perfect_masks_are_1_everywhere(seed):
    truth, _ = masks(seed)
    assert all(value == 1 for value in measure(marked(truth, truth)).values())


@given(seeds)
def test_pooled_figures_are_scikit_learns_over_all_pixels(seed):
    truth, answer = masks(seed)
    found = measure(marked(truth, answer))
    pixels = truth.ravel(), answer.ravel()
    assert found["miou"] == pytest.approx(
        metrics.jaccard_score(*pixels, average="macro")
    )
    assert found["dice"] == pytest.approx(metrics.f1_score(*pixels, average="macro"))
    assert found["mpa"] == pytest.approx(metrics.balanced_accuracy_score(*pixels))
    assert found["accuracy"] == pytest.approx(metrics.accuracy_score(*pixels))


@given(seeds, st.permutations(range(3)))
def test_renaming_the_classes_changes_no_mean(seed, order):
    truth, answer = masks(seed)
    names = np.array(order, np.uint8)
    one = measure(marked(truth, answer))
    other = measure(marked(names[truth], names[answer]))
    for name in ("accuracy", "miou", "mpa", "dice"):
        assert other[name] == pytest.approx(one[name])


@given(seeds)
def test_dice_follows_from_iou(seed):
    found = measure(marked(*masks(seed)))
    for name in CLASSES:
        iou = found[f"{name}: iou"]
        assert found[f"{name}: dice"] == pytest.approx(2 * iou / (1 + iou))


def test_dice_per_image_is_the_mean_over_images_that_show_the_class():
    fluid, none = np.full((1, 4), 2, np.uint8), np.zeros((1, 4), np.uint8)
    found = measure(marked([fluid, fluid, none], [fluid, none, none]))
    assert found["fluid: dice_per_image"] == 0.5
    weighted = measure(marked([fluid, fluid, none], [fluid, none, none], [3, 1, 9]))
    assert weighted["fluid: dice_per_image"] == 0.75


def test_by_exam_a_large_image_counts_no_more_than_a_small_one():
    small, large = np.zeros((1, 1), np.uint8), np.zeros((9, 9), np.uint8)
    found = marked([small, large], [small, large + 1])
    assert measure(found)["accuracy"] == pytest.approx(1 / 82)
    assert measure(found.by_exam())["accuracy"] == 0.5
