"""A report's bytes are strict: they round-trip, or they are refused."""

import base64
import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from diagnosis.grading.doubt import Doubt
from diagnosis.grading.errors import ReportRejected
from diagnosis.grading.mask_png import encode_mask
from diagnosis.grading.measurements import measure
from diagnosis.grading.report import GradeReport
from diagnosis.grading.report_extras import EXTRAS
from diagnosis.grading.scale import Grade

masks = hnp.arrays(
    np.uint8,
    hnp.array_shapes(min_dims=2, max_dims=2, max_side=20),
    elements=st.integers(0, 2),
)
shares = st.lists(st.floats(0.01, 1), min_size=3, max_size=3)


def report(**changes):
    mask = np.zeros((6, 8), dtype=np.uint8)
    mask[1:5, 1:7], mask[2:4, 2:5] = 1, 2
    fields = {
        "grade": Grade.SFU_3,
        "reason": None,
        "probabilities": {Grade.SFU_0_2: 0.1, Grade.SFU_3: 0.7, Grade.SFU_4: 0.2},
        "mask": mask,
        "model_version": "test-1",
        "weights_sha256": "ab" * 32,
        "seconds": {"segmenting": 0.25},
    }
    return GradeReport(**(fields | changes))


def fields_of(some):
    return json.loads(some.to_json())


def rejected(fields):
    with pytest.raises(ReportRejected) as caught:
        GradeReport.from_json(json.dumps(fields).encode())
    return str(caught.value)


def test_figures_follow_from_the_mask():
    some = report()
    assert some.fluid_fraction == 6 / 48
    assert some.kidney_fraction == 24 / 48
    assert some.hydronephrosis_index == 1 - 6 / 24


def test_without_a_kidney_there_is_no_index():
    some = report(grade=None, reason="No kidney found.", probabilities=None)
    assert some.hydronephrosis_index is None
    assert some.fluid_fraction == 6 / 48


@given(masks, shares, st.sampled_from([*Grade, None]), st.text(min_size=1, max_size=9))
def test_round_trip(mask, parts, grade, text):
    probabilities = {g: p / sum(parts) for g, p in zip(Grade, parts, strict=True)}
    some = report(
        mask=mask,
        grade=grade,
        reason=None if grade else text,
        probabilities=probabilities if grade else None,
        model_version=text,
        seconds={text: 1e-9, "merging": 12.0},
    )
    back = GradeReport.from_json(some.to_json())
    assert back.to_json() == some.to_json()
    np.testing.assert_array_equal(back.mask, mask)
    assert back.grade is grade
    assert back.probabilities == some.probabilities
    assert back.hydronephrosis_index == some.hydronephrosis_index


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"reason": "why not"}, "no reason"),
        ({"probabilities": None}, "probability for every grade"),
        ({"probabilities": {Grade.SFU_3: 1.0}}, "probability for every grade"),
        ({"probabilities": dict.fromkeys(Grade, 0.5)}, "adding up to 1"),
        ({"probabilities": dict.fromkeys(Grade, float("nan"))}, "adding up to 1"),
        ({"grade": None}, "must be a reason"),
        ({"grade": None, "reason": "x"}, "no probabilities"),
        ({"mask": np.full((4, 4), 3, dtype=np.uint8)}, "holds 0, 1, 2"),
        ({"mask": np.zeros((4, 4, 3), dtype=np.uint8)}, "grid of bytes"),
        ({"mask": np.zeros((4, 4))}, "grid of bytes"),
        ({"mask": np.zeros((0, 4), dtype=np.uint8)}, "grid of bytes"),
        ({"weights_sha256": "xyz"}, "64 hex digits"),
        ({"seconds": {"merging": float("inf")}}, "endless"),
        ({"seconds": {"merging": -1.0}}, "negative"),
    ],
)
def test_a_report_cannot_contradict_itself(changes, sentence):
    with pytest.raises(ReportRejected, match=sentence):
        report(**changes)


@pytest.mark.parametrize("name", sorted(fields_of(report())))
def test_refuses_a_missing_field(name):
    fields = fields_of(report())
    del fields[name]
    assert f"missing: {name}" in rejected(fields)


@pytest.mark.parametrize(
    "name", sorted(set(fields_of(report())) - {"reason", "mask", "grade"})
)
@pytest.mark.parametrize("value", [{"a": 1}, True, "x", [1], 7, None])
def test_refuses_a_field_of_another_type(name, value):
    if name in {"model_version"} and value == "x":
        return
    fields = fields_of(report())
    if name == "seconds" and value == {"a": 1}:
        value = {"a": True}
    rejected(fields | {name: value})


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"extra": 1}, "unknown here: extra"),
        ({"format": "anamnesis-grade-report-2"}, "Only reports of format"),
        ({"grade": "SFU 5"}, "no grade"),
        ({"fluid_fraction": 0.9}, "its own mask in fluid_fraction"),
        ({"hydronephrosis_index": None}, "in hydronephrosis_index"),
        ({"size": [8, 6]}, "must be an 8-bit grey PNG of 6 × 8"),
        ({"size": [6, 8, 1]}, "too many values"),
        ({"mask": "?"}, "wrong type"),
        ({"mask": base64.b64encode(b"GIF89a").decode()}, "not a PNG"),
        ({"grade": None}, "must be a reason"),
    ],
)
def test_refuses_what_does_not_fit(changes, sentence):
    assert sentence in rejected(fields_of(report()) | changes)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "not JSON"),
        (b"\xff\xfe", "not JSON"),
        (b"[]", "one JSON object"),
        (b"7", "one JSON object"),
        (b"[" * 100_000, "not JSON"),
        (b'{"a": NaN}', "NaN has no place"),
        (b'{"a": Infinity}', "Infinity has no place"),
        (b'{"a": 1, "a": 1}', "named twice"),
    ],
)
def test_refuses_bytes_that_are_no_report(content, sentence):
    with pytest.raises(ReportRejected, match=sentence):
        GradeReport.from_json(content)


def test_backend_and_device_are_kept():
    some = report(backend="onnx", device="cpu")
    back = GradeReport.from_json(some.to_json())
    assert (back.backend, back.device) == ("onnx", "cpu")
    assert "None" not in rejected(fields_of(some) | {"backend": 7})


def test_a_report_from_before_they_were_kept_is_read_to_the_same_bytes():
    old = report().to_json()
    assert b"backend" not in old
    assert b"device" not in old
    back = GradeReport.from_json(old)
    assert (back.backend, back.device) == (None, None)
    assert back.to_json() == old


def test_refuses_a_truncated_mask():
    fields = fields_of(report())
    png = base64.b64decode(fields["mask"])
    for length in range(len(png) - 24):  # the last bytes hold only checksums
        cut = base64.b64encode(png[:length]).decode()
        rejected(fields | {"mask": cut})


def test_a_mask_with_other_values_is_refused_on_reading():
    fields = fields_of(report())
    png = encode_mask(np.full((6, 8), 9, dtype=np.uint8))
    assert "holds 0, 1, 2" in rejected(
        fields | {"mask": base64.b64encode(png).decode()}
    )


def test_reports_are_frozen():
    with pytest.raises(AttributeError):
        report().grade = None
    assert replace(report(), model_version="other").model_version == "other"


def newer(**changes):
    plain = report()
    attention = np.arange(48, dtype=np.uint8).reshape(6, 8)
    fields = {
        "measurements": measure(plain.mask, (0.5, 0.25)),
        "doubt": Doubt(4, 0.75, 0.2, 0.7, least_agreement=0.75, least_certainty=0.5),
        "attention": attention,
    }
    return report(**(fields | changes))


def test_what_newer_reports_say_round_trips():
    some = newer()
    back = GradeReport.from_json(some.to_json())
    assert back.to_json() == some.to_json()
    assert back.measurements == some.measurements
    assert back.doubt == some.doubt
    np.testing.assert_array_equal(back.attention, some.attention)


def test_an_older_report_is_read_and_keeps_its_bytes():
    old = report().to_json()
    assert not EXTRAS & set(json.loads(old))
    back = GradeReport.from_json(old)
    assert all(getattr(back, name) is None for name in EXTRAS)
    assert back.to_json() == old


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("measurements", {}),
        ("measurements", [1, 2]),
        ("measurements", "much"),
        ("doubt", {"views": 4}),
        ("doubt", {"views": 4, "agreement": 2, "spread": 0, "certainty": 1}),
        ("referral", "because"),
        ("referral", "doubt"),  # beside a grade
        ("attention", {"size": [6, 8], "png": "AAAA"}),
        ("attention", {"size": [600, 800], "png": "AAAA"}),
        ("attention", 3),
    ],
)
def test_what_newer_reports_say_is_as_strict(field, value):
    rejected(fields_of(newer()) | {field: value})


def test_a_map_of_where_it_looked_is_small():
    with pytest.raises(ReportRejected, match="at most 256"):
        newer(attention=np.zeros((10, 257), np.uint8))


def test_the_expected_grade_lies_between_the_grades():
    assert report().expected_grade == pytest.approx(0.7 + 2 * 0.2)
