"""What an epoch draws, and what frames say of their grade."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from diagnosis.training.kinds import graded_by_share, grown_frames
from diagnosis.training.material import Material, join, squared


def material(exams, *, per_exam=2, shares=None, grades=None):
    """Frames of 64 × 64 whose fluid takes known shares."""
    count = len(exams)
    masks = []
    for share in shares or [0.0] * count:
        mask = np.zeros(64 * 64, dtype=np.uint8)
        mask[: round(share * mask.size)] = 2
        masks.append(mask.reshape(64, 64))
    return Material(
        [np.full((64, 64), 10 + number, dtype=np.uint8) for number in range(count)],
        masks,
        np.zeros(count, dtype=bool),
        np.full((count, 3), np.nan, dtype=np.float32)
        if grades is None
        else np.array(grades, dtype=np.float32),
        np.array(exams),
        np.full(count, per_exam),
    )


@given(
    st.lists(st.integers(0, 6), min_size=1, max_size=60),
    st.integers(1, 5),
    st.integers(0, 3),
)
def test_an_epoch_draws_of_each_exam_what_it_may(exams, per_exam, seed):
    drawn = material(exams, per_exam=per_exam).draw(np.random.default_rng(seed))
    assert len(set(drawn.tolist())) == len(drawn)
    for exam in set(exams):
        count = sum(exams[number] == exam for number in drawn)
        assert count == min(per_exam, exams.count(exam))


def test_epochs_draw_other_frames():
    rng = np.random.default_rng(0)
    many = material([0] * 50)
    assert set(many.draw(rng).tolist()) != set(many.draw(rng).tolist())


def test_exams_of_two_kinds_stay_two():
    both = join([material([0, 0, 1]), material([0, 1, 1], per_exam=1)])
    assert len(both) == 6
    assert len(set(both.exams.tolist())) == 4
    assert len(both.draw(np.random.default_rng(0))) == 5


def test_more_fluid_makes_a_higher_grade_probable():
    sure = np.eye(3)
    grown = material(
        range(9),
        shares=[0.0, 0.01, 0.02, 0.05, 0.06, 0.07, 0.2, 0.22, 0.25],
        grades=sure[[0, 0, 0, 1, 1, 1, 2, 2, 2]],
    )
    real = material(range(5), shares=[0.01, 0.05, 0.12, 0.24, 0.0])
    graded = graded_by_share(real, grown).grades
    expected = graded @ np.arange(3)
    assert (np.diff(expected[:4]) > 0).all()
    np.testing.assert_allclose(graded[:4].sum(axis=1), 1, rtol=1e-5)
    assert np.isnan(graded[4]).all()  # no fluid says nothing


def test_a_grade_that_is_known_stays():
    grown = material([0], shares=[0.2], grades=[[0, 0, 1]])
    real = material([0], shares=[0.2], grades=[[1, 0, 0]])
    assert graded_by_share(real, grown).grades.tolist() == [[1, 0, 0]]


def test_fluid_is_grown_into_normal_kidneys_alone():
    rng = np.random.default_rng(0)
    real = material(
        range(3), shares=[0, 0.1, 0], grades=[[1, 0, 0]] * 2 + [[np.nan] * 3]
    )
    frames = [rng.integers(20, 60, (80, 80), dtype=np.uint8) for _ in range(3)]
    for frame in frames:
        frame[25:55, 25:55] += 90
    real = Material(
        frames, real.masks, real.outlined, real.grades, real.exams, real.per_exam
    )
    grown = grown_frames(real, of_each=1, per_exam=2, seed=0)
    assert grown.exams.tolist() == [0, 0, 0]
    assert grown.grades.tolist() == np.eye(3).tolist()
    assert not grown.outlined.any()


def test_frames_fill_the_square_in_their_own_shape():
    mixed = Material(
        [np.full((40, 80), 9, dtype=np.uint8), np.full((60, 60), 7, dtype=np.uint8)],
        [np.full((40, 80), 2, dtype=np.uint8), np.zeros((60, 60), dtype=np.uint8)],
        np.ones(2, dtype=bool),
        np.eye(3, dtype=np.float32)[:2],
        np.arange(2),
        np.ones(2, dtype=int),
    )
    frames, masks = squared(mixed, 32)
    assert frames.shape == masks.shape == (2, 32, 32)
    assert (frames[0, :8] == 0).all()
    assert (masks[0, 8:24] == 2).all()
    assert (frames[1] == 7).all()
