"""Windows, and the rule that makes one answer of many slices."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from diagnosis.lung.patient import patient_probabilities
from diagnosis.lung.scale import Finding
from diagnosis.lung.windows import AERATED, TABLE_II, aerated_share, to_channels

HU = st.floats(-4000, 4000, width=32)
LENGTHS = st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=1, max_size=30)


@pytest.mark.parametrize("window", TABLE_II, ids=lambda window: window.name)
@given(values=st.lists(HU, min_size=2, max_size=40))
def test_a_window_keeps_order_and_clips_what_lies_beyond(window, values):
    values = np.sort(np.array([values], dtype=np.float32))
    shown = window.apply(values)
    assert shown.dtype == np.uint8
    assert (np.diff(shown.astype(int)) >= 0).all()
    assert (shown[values <= window.low] == 0).all()
    assert (shown[values >= window.high] == 255).all()


@pytest.mark.parametrize("window", TABLE_II, ids=lambda window: window.name)
def test_a_window_spans_all_bytes_evenly(window):
    line = np.linspace(window.low, window.high, 256, dtype=np.float32)[None]
    np.testing.assert_array_equal(window.apply(line)[0], np.arange(256))


def test_the_channels_tell_substances_of_the_table_apart():
    air, lungs, fat, water, blood, bone = to_channels(
        np.array([[-1000, -500, -75, 0, 45, 700]], dtype=np.float32), TABLE_II
    )[0].tolist()
    assert air == [0, 0, 0]
    assert lungs == [128, 0, 0]
    assert fat[0] > lungs[0]
    assert fat[1] > 0
    assert fat[2] > 0
    assert water[0] == 255
    assert blood[1] == 255
    assert water[2] < blood[2] < bone[2] == 255


@given(st.lists(HU, min_size=1, max_size=40))
def test_the_aerated_share_counts_what_is_as_dense_as_lung(values):
    low, high = AERATED
    expected = sum(low < value < high for value in values) / len(values)
    assert aerated_share(np.array([values], dtype=np.float32)) == pytest.approx(
        expected
    )


@given(lengths=LENGTHS, order=st.randoms(use_true_random=False))
def test_the_patients_answer_knows_no_order_and_no_repetition(lengths, order):
    shares = patient_probabilities(lengths)
    assert sum(shares.values()) == pytest.approx(1)
    shuffled = order.sample(lengths, len(lengths))
    assert patient_probabilities(shuffled) == shares
    twice = patient_probabilities(lengths + lengths)
    assert twice == pytest.approx(shares)


@given(st.tuples(st.floats(0.01, 1), st.floats(0.01, 1)))
def test_one_slice_answers_for_itself(lengths):
    shares = patient_probabilities([lengths])
    assert shares[Finding.COVID] == pytest.approx(lengths[1] / sum(lengths))


@given(lengths=LENGTHS, at=st.integers(0, 29))
def test_a_slice_more_like_covid_makes_the_patient_more_like_it(lengths, at):
    at %= len(lengths)
    before = patient_probabilities(lengths)[Finding.COVID]
    non_covid, _ = lengths[at]
    lengths[at] = (non_covid, 1.0)
    assert patient_probabilities(lengths)[Finding.COVID] >= before - 1e-12
