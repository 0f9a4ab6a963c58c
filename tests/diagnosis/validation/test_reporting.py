"""The validation report says what its answers say, and what its card said."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from diagnosis.grading.manifest import DEFAULT_WEIGHTS
from diagnosis.grading.scale import Grade
from diagnosis.training.measuring.bootstrap import Interval
from diagnosis.validation.card import CardFigures, card_figures
from diagnosis.validation.publishing import published_figures
from diagnosis.validation.reporting import (
    Answer,
    Earlier,
    drift,
    validation_report,
)

CARD = CardFigures(168, 180)
TABLE = """
| truth \\ answer | SFU 0-2 | SFU 3 | SFU 4 | no kidney |
|---|---|---|---|---|
| SFU 0-2 | 8 | 1 | 0 | 1 |
| SFU 3 | 0 | 9 | 1 | 0 |
| SFU 4 | 0 | 2 | 8 | 0 |
| no kidney | 5 | 5 | 5 | 5 |
"""


def answer(label: Grade, grade: Grade | None, group: str, sure: float = 0.8) -> Answer:
    shares = None
    if grade:
        rest = (1 - sure) / 2
        shares = {str(each): sure if each is grade else rest for each in Grade}
    return Answer(label, group, grade, shares)


def answers(per_class: int = 20, wrong: int = 4, none: int = 1) -> list[Answer]:
    """Of each class so many, of them some taken for the next class, some not graded."""
    grades = list(Grade)
    found = []
    for place, label in enumerate(grades):
        for number in range(per_class):
            grade: Grade | None = label
            if number < wrong:
                grade = grades[(place + 1) % 3]
            elif number < wrong + none:
                grade = None
            found.append(answer(label, grade, f"{label}-{number // 2}"))
    return found


def test_the_figures_are_those_of_the_answers():
    report = validation_report(answers(), card=CARD, resamples=50)
    assert (report["images"], report["graded"], report["patients"]) == (60, 57, 30)
    assert report["accuracy_of_all"]["value"] == pytest.approx(45 / 60)
    assert report["figures"]["accuracy"]["value"] == pytest.approx(45 / 57)
    for grade in Grade:
        found = report["per_class"][grade]
        assert found["precision"]["value"] == pytest.approx(15 / 19)
        assert found["recall"]["value"] == pytest.approx(15 / 19)
        assert found["f1"]["value"] == pytest.approx(15 / 19)
    assert [row["answers"] for row in report["table"]] == [
        [15, 4, 0, 1],
        [0, 15, 4, 1],
        [4, 0, 15, 1],
    ]
    low, high = (report["accuracy_of_all"][end] for end in ("low", "high"))
    assert low < 0.75 < high
    assert set(report["plots"]) == {
        "confusion",
        "roc",
        "pr",
        "reliability",
        "selective",
    }
    assert all("<svg" in svg for svg in report["plots"].values())
    assert report["calibration"]["ece"] > 0
    assert json.loads(json.dumps(report, allow_nan=False)) == report


def test_the_same_answers_give_the_same_report():
    one, other = (validation_report(answers(), card=CARD, resamples=20) for _ in "ab")
    assert one == other


@settings(max_examples=15)
@given(st.integers(0, 2**32 - 1))
def test_any_answers_can_be_measured(seed: int):
    """One class, one patient, no grade: there is a report, and no NaN in it."""
    rng = np.random.default_rng(seed)
    grades, size = list(Grade), int(rng.integers(1, 7))
    found = [
        answer(
            grades[rng.integers(3)],
            [*grades, None][rng.integers(4)],
            str(rng.integers(3)),
            float(rng.uniform(0.34, 1)),
        )
        for _ in range(size)
    ]
    if all(each.grade is None for each in found):
        with pytest.raises(ValueError, match="None of the labelled images"):
            validation_report(found, card=None, resamples=3)
    else:
        report = validation_report(found, card=CARD, resamples=3)
        assert json.dumps(report, allow_nan=False)
        assert report["drift"]


# The card.


def test_the_card_of_the_shipped_weights_can_be_read():
    found = card_figures((DEFAULT_WEIGHTS / "MODEL_CARD.md").read_text("utf-8"))
    assert found == CardFigures(168, 180)


def test_a_card_counts_a_kidney_that_was_not_found_as_wrong():
    assert card_figures(TABLE) == CardFigures(25, 30)


@pytest.mark.parametrize(
    "card", ["", "# A card\n93 % right", TABLE.replace("SFU 4 |", "grade 4 |")]
)
def test_a_card_without_a_table_says_nothing(card: str):
    assert card_figures(card) is None


@pytest.mark.parametrize(
    ("low", "high", "words"),
    [
        (0.60, 0.80, "less often here"),
        (0.90, 0.96, "No drift is seen"),
        (0.95, 0.99, "more often here"),
        (float("nan"), float("nan"), "one patient alone"),
    ],
)
def test_drift_is_said_in_a_sentence(low: float, high: float, words: str):
    assert words in drift(Interval(0.7, low, high), CARD)


def test_without_a_card_nothing_is_said_of_drift():
    assert "nothing can be said" in drift(Interval(0.7, 0.6, 0.8), None)


# What leaves the hospital.


def test_what_is_published_names_nothing_of_the_hospital():
    earlier = Earlier("run", "2026", "Kim's kidneys", "test-1", "ab", 3, 0.5)
    report = validation_report(answers(), card=CARD, earlier=[earlier], resamples=3)
    report["skipped"] = [{"name": "kim-abernathy.png", "sentence": "Kim"}]
    text = json.dumps(published_figures(report))
    assert "Kim" not in text
    assert "kim" not in text
    assert "plots" in text
