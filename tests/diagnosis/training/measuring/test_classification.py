"""The figures of classifiers."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics

from diagnosis.training.measuring.classification import (
    DEFINITIONS,
    confusion,
    f1,
    figures,
    micro_f1,
)
from diagnosis.training.measuring.predictions import Predictions
from tests.diagnosis.training.measuring.drawing import answered, draw

seeds = st.integers(0, 10_000)


def test_a_case_worked_out_by_hand():
    found = figures(answered([0, 0, 0, 1, 1, 2], [0, 0, 1, 1, 2, 2]))
    assert found["accuracy"] == pytest.approx(4 / 6)
    assert found["a: precision"] == 1
    assert found["a: recall"] == pytest.approx(2 / 3)
    assert found["b: precision"] == found["b: recall"] == 0.5
    assert found["c: precision"] == 0.5
    assert found["c: recall"] == 1
    assert found["b: specificity"] == pytest.approx(3 / 4)
    assert found["macro_f1"] == pytest.approx((0.8 + 0.5 + 2 / 3) / 3)
    mean_precision, mean_recall = 2 / 3, (2 / 3 + 0.5 + 1) / 3
    assert found["macro_f1_of_means"] == pytest.approx(
        2 * mean_precision * mean_recall / (mean_precision + mean_recall)
    )


def test_the_matrix_has_the_truth_in_rows():
    matrix = confusion(answered([0, 0, 1], [0, 1, 1], classes=2))
    assert matrix.tolist() == [[1, 1], [0, 1]]


@given(seeds)
def test_perfect_answers_are_1_everywhere(seed):
    truth = draw(seed).truth
    found = figures(answered(truth, truth))
    better_high = {
        name: value
        for name, value in found.items()
        if name.split(": ")[-1] not in {"brier", "log_loss", "ece"}
    }
    assert all(value == pytest.approx(1) for value in better_high.values())
    assert found["brier"] == pytest.approx(0, abs=1e-6)


@given(seeds, st.permutations(range(3)))
def test_renaming_the_classes_changes_no_mean_and_permutes_the_rest(seed, order):
    before = draw(seed)
    after = Predictions(
        before.logits[:, order],
        np.argsort(order)[before.truth],
        before.groups,
        before.weights,
        tuple(before.classes[number] for number in order),
    )
    one, other = figures(before), figures(after)
    assert set(one) == set(other)
    for name, value in one.items():
        assert other[name] == pytest.approx(value, nan_ok=True), name


@given(seeds)
def test_an_image_of_weight_two_counts_like_two(seed):
    weighted = draw(seed, count=20)
    weights = np.random.default_rng(seed).integers(1, 4, size=20)
    twice = weighted.take(np.repeat(np.arange(20), weights)).alike()
    counted = Predictions(
        weighted.logits,
        weighted.truth,
        weighted.groups,
        weights.astype(float),
        weighted.classes,
    )
    one, other = figures(counted), figures(twice)
    for name, value in one.items():
        assert other[name] == pytest.approx(value, nan_ok=True), name


@given(seeds)
def test_where_definitions_agree_so_does_scikit_learn(seed):
    p = draw(seed)
    found = figures(p)
    weights = {"sample_weight": p.weights}
    assert found["accuracy"] == pytest.approx(
        metrics.accuracy_score(p.truth, p.answers, **weights)
    )
    for ours, average in (("macro_f1", "macro"), ("micro_f1", "micro")):
        assert found[ours] == pytest.approx(
            metrics.f1_score(p.truth, p.answers, average=average, **weights)
        )
    assert found["roc_auc_macro"] == pytest.approx(
        metrics.roc_auc_score(p.truth, p.probabilities, multi_class="ovr", **weights)
    )
    assert found["roc_auc_micro"] == pytest.approx(
        metrics.roc_auc_score(
            np.eye(3)[p.truth], p.probabilities, average="micro", **weights
        )
    )
    assert found["brier"] == pytest.approx(
        metrics.brier_score_loss(
            p.truth, p.probabilities, scale_by_half=False, labels=range(3), **weights
        )
    )


@given(seeds)
def test_specificity_is_the_recall_of_all_others(seed):
    p = draw(seed)
    found = figures(p)
    for number, name in enumerate(p.classes):
        assert found[f"{name}: specificity"] == pytest.approx(
            metrics.recall_score(
                p.truth != number, p.answers != number, sample_weight=p.weights
            )
        )


@given(seeds)
def test_equation_13_is_the_accuracy(seed):
    p = draw(seed)
    assert micro_f1(confusion(p)) == pytest.approx(figures(p)["accuracy"])


@given(seeds)
def test_equation_12_is_never_below_the_usual_macro_f1(seed):
    found = figures(draw(seed))
    assert found["macro_f1_of_means"] >= found["macro_f1"] - 1e-12


def test_equation_12_and_the_usual_macro_f1_differ():
    # Class a has perfect precision and poor recall, class b the reverse.
    found = figures(answered([0] * 10 + [1], [0] + [1] * 9 + [1], classes=2))
    assert found["macro_f1"] == pytest.approx((2 / 11 + 2 / 11) / 2)
    assert found["macro_f1_of_means"] == pytest.approx(0.55)


@given(seeds)
def test_stretching_all_logits_alike_changes_no_answer_and_no_binary_area(seed):
    p = draw(seed, classes=2)
    one, other = figures(p), figures(p.cooled(3))
    for name in ("accuracy", "macro_f1", "roc_auc_macro", "a: roc_auc"):
        assert other[name] == pytest.approx(one[name])


def test_a_class_that_occurs_nowhere_has_no_figure_and_lowers_no_mean():
    found = figures(answered([0, 0, 1], [0, 0, 1]))
    assert found["macro_f1"] == found["roc_auc_macro"] == 1
    for kind in ("precision", "recall", "f1", "roc_auc", "average_precision"):
        assert np.isnan(found[f"c: {kind}"])


def test_a_class_that_is_never_answered_has_precision_0():
    found = figures(answered([0, 1], [0, 0], classes=2))
    assert found["b: precision"] == found["b: f1"] == 0


def test_one_class_alone_has_no_area():
    assert np.isnan(figures(answered([0, 0], [0, 1], classes=2))["roc_auc_macro"])


def test_f1_of_nothing_is_0():
    assert f1(0, 0) == 0


def test_what_could_be_read_differently_is_defined():
    found = figures(draw())
    kinds = {name.split(": ")[-1] for name in found} | {"exam_weighted"}
    assert set(DEFINITIONS) <= kinds
