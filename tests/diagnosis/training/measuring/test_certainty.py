"""Intervals, calibration, and leaving doubtful images to a person."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from diagnosis.training.measuring.bootstrap import intervals
from diagnosis.training.measuring.calibration import (
    best_temperature,
    cooled_by_others,
    expected_error,
    reliability,
)
from diagnosis.training.measuring.predictions import Predictions
from diagnosis.training.measuring.selective import select
from tests.diagnosis.training.measuring.drawing import draw

seeds = st.integers(0, 10_000)


def mean_of(values):
    return lambda numbers: {"mean": float(values[numbers].mean())}


def test_the_interval_of_a_mean_is_the_textbooks():
    values = np.random.default_rng(0).normal(size=400)
    found = intervals(mean_of(values), np.arange(400), resamples=2000, seed=0)["mean"]
    reach = 1.96 * values.std() / 20
    assert found.value == values.mean()
    assert found.low == pytest.approx(values.mean() - reach, abs=0.01)
    assert found.high == pytest.approx(values.mean() + reach, abs=0.01)


def test_copies_of_a_patients_image_make_nothing_surer():
    values = np.random.default_rng(1).normal(size=40)
    once = intervals(mean_of(values), np.arange(40), resamples=300, seed=0)
    groups = np.repeat(np.arange(40), 25)
    copied = intervals(mean_of(np.repeat(values, 25)), groups, resamples=300, seed=0)
    alone = intervals(
        mean_of(np.repeat(values, 25)), np.arange(1000), resamples=300, seed=0
    )
    assert copied["mean"].low == pytest.approx(once["mean"].low)
    assert copied["mean"].high == pytest.approx(once["mean"].high)
    width = alone["mean"].high - alone["mean"].low
    assert width < (once["mean"].high - once["mean"].low) / 3


def test_the_same_seed_gives_the_same_interval():
    values = np.arange(20.0)
    first, again, other = (
        intervals(mean_of(values), np.arange(20), resamples=50, seed=seed)
        for seed in (0, 0, 1)
    )
    assert first == again != other


def test_one_patient_gives_no_interval():
    found = intervals(mean_of(np.ones(5)), np.zeros(5, int), resamples=9, seed=0)
    assert found["mean"].value == 1
    assert np.isnan([found["mean"].low, found["mean"].high]).all()


def test_draws_in_which_a_figure_has_no_value_are_left_out():
    def measure(numbers):
        return {"x": 1.0 if 0 in numbers else float("nan")}

    found = intervals(measure, np.arange(3), resamples=50, seed=0)["x"]
    assert (found.low, found.high) == (1, 1)


def sure(confidence, right, weights=None):
    """Binary answers of a class 0 with known confidences."""
    confidence = np.array(confidence)
    return Predictions(
        np.log(np.stack((confidence, 1 - confidence), axis=1)),
        np.where(right, 0, 1),
        np.arange(len(confidence)),
        np.ones(len(confidence)) if weights is None else np.array(weights),
        ("a", "b"),
    )


def test_the_calibration_error_of_a_case_worked_out_by_hand():
    p = sure([0.95, 0.95, 0.7, 0.7], [True, True, True, False])
    assert expected_error(p, bins=10) == pytest.approx((0.05 + 0.2) / 2)
    weighted = sure([0.95, 0.95, 0.7, 0.7], [True, True, True, False], [1, 1, 3, 3])
    assert expected_error(weighted, bins=10) == pytest.approx((0.05 + 3 * 0.2) / 4)


def test_answers_that_mean_what_they_say_have_no_error():
    p = sure([0.75] * 8, [True] * 6 + [False] * 2)
    assert expected_error(p) == pytest.approx(0)


@given(seeds)
def test_bins_hold_everything_once(seed):
    assert sum(each.share for each in reliability(draw(seed))) == pytest.approx(1)


def test_the_temperature_undoes_overconfidence():
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(20_000, 3)) * 1.5
    shares = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    truth = (rng.random((20_000, 1)) > shares.cumsum(axis=1)).sum(axis=1)
    honest = Predictions(
        logits, truth.clip(0, 2), np.arange(20_000), np.ones(20_000), ("a", "b", "c")
    )
    assert best_temperature(honest) == pytest.approx(1, abs=0.05)
    boasting = honest.cooled(1 / 4)
    assert best_temperature(boasting) == pytest.approx(4, rel=0.05)
    assert expected_error(boasting) > 0.1
    cooled = cooled_by_others(boasting)
    assert cooled
    assert expected_error(cooled) < 0.02


@given(seeds)
def test_a_temperature_changes_no_answer(seed):
    p = draw(seed, sure=5)
    cooled = cooled_by_others(p)
    assert cooled
    np.testing.assert_array_equal(cooled.answers, p.answers)


def test_one_patient_cannot_calibrate_another():
    assert cooled_by_others(draw(groups=1)) is None


def test_the_surest_are_answered_first():
    found = select(sure([0.9, 0.6, 0.8, 0.7], [True, False, True, False]))
    assert found.coverage.tolist() == [0.25, 0.5, 0.75, 1]
    assert found.accuracy.tolist() == pytest.approx([1, 1, 2 / 3, 0.5])
    assert found.accuracy_at(0.5) == 1
    assert found.accuracy_at(0.51) == pytest.approx(2 / 3)
    assert found.accuracy_at(1) == 0.5


@given(seeds)
def test_at_full_coverage_it_is_the_accuracy(seed):
    p = draw(seed)
    expected = np.average(p.right, weights=p.weights)
    assert select(p).accuracy_at(1) == pytest.approx(expected)


@given(seeds, st.randoms(use_true_random=False))
def test_the_order_of_equally_sure_images_does_not_matter(seed, shuffler):
    p = draw(seed, count=12)
    p = Predictions(p.logits.round(), p.truth, p.groups, p.weights, p.classes)
    order = list(range(12))
    shuffler.shuffle(order)
    one, other = select(p), select(p.take(np.array(order)))
    np.testing.assert_allclose(one.accuracy, other.accuracy)
    np.testing.assert_allclose(one.coverage, other.coverage)
