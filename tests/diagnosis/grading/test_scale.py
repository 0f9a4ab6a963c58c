"""The three grades and their words."""

import pytest

from diagnosis.grading.scale import Grade


def test_grades_are_the_papers_three_in_order_of_severity():
    assert [str(grade) for grade in Grade] == ["SFU 0-2", "SFU 3", "SFU 4"]
    assert [grade.output for grade in Grade] == [0, 1, 2]


@pytest.mark.parametrize("grade", Grade)
def test_every_grade_has_words_for_families(grade):
    assert len(grade.plain) > 20
    assert "SFU" not in grade.plain
    assert "hydronephrosis" not in grade.plain
