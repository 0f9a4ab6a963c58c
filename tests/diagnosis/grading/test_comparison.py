"""Two versions are compared by counts that add up, with honest intervals."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from diagnosis.grading.comparison import OUTCOMES, Answer, Pair, Share, compare
from diagnosis.grading.errors import ReportRejected
from diagnosis.grading.scale import Grade
from tests.cast import report


@st.composite
def answers(draw: st.DrawFn) -> Answer:
    grade = draw(st.sampled_from(OUTCOMES))
    if grade is None:
        return Answer(None, None)
    shares = draw(st.tuples(*[st.floats(0, 1) for _ in Grade]))
    return Answer(grade, shares)


pairs = st.builds(Pair, answers(), answers())


@given(pair=pairs)
def test_a_pair_survives_its_own_bytes(pair: Pair):
    assert Pair.from_json(pair.to_json()) == pair


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b"{}",
        b'{"active":["SFU 3",null],"shadow":[null,null]}',
        b'{"active":["SFU 9",[0,0,1]],"shadow":[null,null]}',
        b'{"active":["SFU 3",[0,2,1]],"shadow":[null,null]}',
        b'{"active":[null,null]}',
    ],
)
def test_other_bytes_are_no_pair(content: bytes):
    with pytest.raises(ReportRejected):
        Pair.from_json(content)


def test_an_answer_keeps_nothing_of_the_image():
    answer = Answer.of(report(Grade.SFU_4))
    assert answer == Answer(Grade.SFU_4, (0.125, 0.125, 0.75))
    assert len(Pair(answer, answer).to_json()) < 120


@given(count=st.integers(0, 400), rest=st.integers(0, 400))
def test_an_interval_is_wilsons(count: int, rest: int):
    share = Share(count, count + rest)
    low, high = share.interval
    assert 0 <= low <= share.value <= high <= 1 or not share.of
    if share.of:
        oracle = binomtest(count, share.of).proportion_ci(method="wilson")
        assert (low, high) == pytest.approx((oracle.low, oracle.high), abs=1e-9)


@given(seen=st.lists(pairs, max_size=30))
def test_the_counts_add_up(seen: list[Pair]):
    found = compare(seen)
    assert sum(sum(row.counts) for row in found.rows) == len(seen)
    changed = sum(row.changed.count for row in found.rows)
    assert found.agreement.count + changed == found.agreement.of == len(seen)


@given(seen=st.lists(pairs, max_size=30))
def test_a_version_beside_itself_changes_nothing(seen: list[Pair]):
    found = compare([Pair(pair.active, pair.active) for pair in seen])
    assert found.agreement.count == len(seen)
    assert all(row.changed.count == 0 for row in found.rows)
    assert all(shift.mean == 0 for shift in found.shifts)


@given(seen=st.lists(pairs, min_size=1, max_size=30))
def test_the_other_way_round_the_shifts_turn_over(seen: list[Pair]):
    there = compare(seen).shifts
    back = compare([Pair(pair.shadow, pair.active) for pair in seen]).shifts
    for one, other in zip(there, back, strict=True):
        assert one.mean == pytest.approx(-other.mean)
        assert one.images == other.images


def test_what_changes_is_counted_by_class():
    def answer(grade: Grade | None, *shares: float) -> Answer:
        return Answer(grade, shares or None)

    mild = answer(Grade.SFU_0_2, 0.7, 0.2, 0.1)
    clear = answer(Grade.SFU_3, 0.2, 0.6, 0.2)
    none = answer(None)
    found = compare(
        [Pair(mild, mild), Pair(mild, clear), Pair(clear, none), Pair(none, none)]
    )
    assert [row.counts for row in found.rows] == [
        (1, 1, 0, 0),
        (0, 0, 0, 1),
        (0, 0, 0, 0),
        (0, 0, 0, 1),
    ]
    assert (found.rows[0].changed.count, found.rows[0].changed.of) == (1, 2)
    first = found.shifts[0]
    assert first.images == 2
    assert first.mean == pytest.approx(-0.25)
    # Student's t would be wider still: the page says from how many images it comes.
    assert first.interval == pytest.approx((-0.25 - 0.49, -0.25 + 0.49), abs=0.001)
