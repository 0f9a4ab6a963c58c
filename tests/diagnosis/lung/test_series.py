"""Which files make a series, and in which order."""

from contextlib import suppress

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydicom.uid import RLELossless

from diagnosis.lung.ct_slice import read_slice
from diagnosis.lung.errors import SeriesRefused
from diagnosis.lung.series import opened_series
from tests.diagnosis.imaging.files import dicom, encoded, picture
from tests.diagnosis.lung.scanning import saved, slices, write, zipped


def levels(path):
    with opened_series(path) as series:
        return [float(values.mean()) for values in series.hounsfield()]


def refusal(path):
    with pytest.raises(SeriesRefused) as refused, opened_series(path):
        pass
    assert str(refused.value).endswith(".")
    return str(refused.value)


@pytest.mark.parametrize("without", [None, "ImagePositionPatient"])
def test_shuffled_slices_are_sorted_along_the_patient(tmp_path, without):
    found = slices(6)
    for each in found:
        if without:
            del each[without]
        else:
            each.InstanceNumber = 1
    found = [found[at] for at in (3, 0, 5, 1, 4, 2)]
    sorted_levels = levels(write(tmp_path / "scan", found))
    np.testing.assert_allclose(np.diff(sorted_levels), 40, atol=0.01)


def test_a_zip_holds_the_same_series_as_its_folder(tmp_path):
    folder = write(tmp_path / "scan", slices(4))
    (folder / ".DS_Store").write_bytes(b"left behind")
    (folder / "DICOMDIR").write_bytes(b"left behind")
    assert levels(zipped(folder, tmp_path / "scan.zip")) == levels(folder)


@settings(max_examples=15, suppress_health_check=[HealthCheck.too_slow])
@given(
    slope=st.sampled_from([0.5, 1, 2.5]),
    intercept=st.integers(-2000, 0),
    bits=st.sampled_from([12, 16]),
)
def test_stored_values_become_hounsfield_units(slope, intercept, bits):
    (found,) = slices(1, RescaleSlope=slope, RescaleIntercept=intercept)
    stored = np.linspace(-2048, 2047, 128 * 128).astype(np.int16).reshape(128, 128)
    written = stored & np.int16((1 << 12) - 1) if bits == 12 else stored
    found.PixelData = written.astype(np.int16).tobytes()
    found.BitsStored, found.HighBit = bits, bits - 1
    _, values = read_slice(saved(found))
    np.testing.assert_allclose(values, stored * slope + intercept, rtol=1e-6)


def test_slices_of_two_series_are_refused(tmp_path):
    assert "2 series" in refusal(write(tmp_path, slices(2) + slices(1)))


def test_a_slice_twice_is_refused(tmp_path):
    (found,) = slices(1)
    assert "twice" in refusal(write(tmp_path, [found, found]))


@pytest.mark.parametrize("missing", ["RescaleSlope", "RescaleIntercept"])
def test_values_that_are_no_hounsfield_units_are_never_guessed(tmp_path, missing):
    found = slices(2)
    del found[1][missing]
    sentence = refusal(write(tmp_path, found))
    assert sentence.startswith("001.dcm: ")
    assert "never guessed" in sentence


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"RescaleSlope": 0}, "no number"),
        ({"RescaleType": "US"}, "not in Hounsfield units"),
        ({"Modality": "MR"}, "a magnetic resonance image (MR), not a computed"),
        ({"ImageType": ["ORIGINAL", "PRIMARY", "LOCALIZER"]}, "overview"),
        ({"NumberOfFrames": 4}, "many slices at once"),
        ({"BitsAllocated": 8, "BitsStored": 8, "HighBit": 7}, "16 bits"),
        ({"Rows": 4000, "Columns": 4000}, "cut short"),
        ({"ImageOrientationPatient": [0, 1, 0, 0, 0, -1]}, "across the body"),
        ({"SeriesInstanceUID": ""}, "which series"),
    ],
)
def test_what_is_no_such_slice_is_refused_in_a_sentence(tmp_path, change, words):
    assert words in refusal(write(tmp_path, slices(1, **change)))


def test_slices_that_do_not_fit_together_are_refused(tmp_path):
    one, other = slices(2)
    other.ImageOrientationPatient = [0.99, 0.14, 0, -0.14, 0.99, 0]
    assert "different directions" in refusal(write(tmp_path / "turned", [one, other]))
    for each in (one, other):
        del each.ImagePositionPatient
        del each.InstanceNumber
        each.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    assert "in which order" in refusal(write(tmp_path / "unordered", [one, other]))


def test_other_files_are_refused_by_name(tmp_path):
    write(tmp_path / "us", slices(1))
    (tmp_path / "us" / "kidney.dcm").write_bytes(dicom(picture()))
    assert "kidney.dcm: This DICOM file is an ultrasound" in refusal(tmp_path / "us")
    write(tmp_path / "png", slices(1))
    (tmp_path / "png" / "a.png").write_bytes(encoded(picture()))
    assert "only DICOM files" in refusal(tmp_path / "png")
    (tmp_path / "empty").mkdir()
    assert "no file in it" in refusal(tmp_path / "empty")
    (tmp_path / "bad.zip").write_bytes(b"PK\x03\x04 and no more")
    assert "no zip archive" in refusal(tmp_path / "bad.zip")
    (found,) = slices(1)
    found.compress(RLELossless)
    assert "uncompressed" in refusal(write(tmp_path / "rle", [found]))


@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow])
@given(at=st.integers(0, 39_000), length=st.integers(1, 64), seed=st.integers(0, 99))
def test_damaged_bytes_give_values_or_a_refusal(tmp_path_factory, at, length, seed):
    (found,) = slices(1)
    data = bytearray(saved(found))
    at %= len(data)
    data[at : at + length] = np.random.default_rng(seed).bytes(length)
    path = tmp_path_factory.mktemp("damaged") / "slice.dcm"
    path.write_bytes(data)
    # Any other exception than the refusal fails here.
    with suppress(SeriesRefused), opened_series(path) as series:
        (values,) = series.hounsfield()
        assert values.dtype == np.float32
