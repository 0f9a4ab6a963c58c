"""Segmentation and report are read back, by the libraries that archives use."""

from dataclasses import replace
from datetime import UTC, date, datetime
from io import BytesIO
from uuid import UUID

import highdicom as hd
import numpy as np
import pytest
from pydicom import dcmread
from pydicom.uid import UltrasoundMultiFrameImageStorage, generate_uid

from diagnosis.dicom_results.codes import GRADES, OURS, SUGGESTED
from diagnosis.dicom_results.segmentation import segmentation
from diagnosis.dicom_results.source import Origin, read_source, wrapped_image
from diagnosis.dicom_results.structured_report import structured_report
from diagnosis.grading.measurements import measure
from diagnosis.grading.referral import Referral
from diagnosis.imaging.decoding import decode
from tests.cast import report as plain_report
from tests.diagnosis.imaging.files import PATIENT_ID, dicom, encoded, picture

ORIGIN = Origin(
    document=UUID(int=7),
    frame=0,
    patient_name="Kim Abernathy",
    patient_id="A-31415",
    birth_date=date(2023, 4, 17),
    added=datetime(2026, 3, 4, 5, 6, tzinfo=UTC),
)
STUDY = generate_uid()


def report(step=None):
    plain = plain_report()
    return replace(plain, measurements=measure(plain.mask, step))


def file(**elements):
    return dicom(picture(96, 96), StudyInstanceUID=STUDY, **elements)


def results(content, some, origin=ORIGIN):
    """Both objects, written and read again."""
    image = decode(content, frame=origin.frame)
    source = read_source(content, image, origin)
    segments = segmentation(some, source=source, origin=origin)
    told = structured_report(some, source=source, segments=segments, origin=origin)
    return hd.seg.segread(saved(segments)), hd.sr.srread(saved(told))


def saved(found):
    stream = BytesIO()
    found.save_as(stream)
    stream.seek(0)
    return stream


def test_the_segments_are_the_mask_s_own_pixels_on_the_very_image():
    content, some = file(), report()
    segments, _ = results(content, some)
    original = dcmread(BytesIO(content))
    assert segments.StudyInstanceUID == STUDY
    assert segments.PatientID == PATIENT_ID
    assert [item.SegmentLabel for item in segments.SegmentSequence] == [
        "Kidney with its fluid",
        "Hydronephrotic area",
    ]
    read = segments.get_pixels_by_source_instance(
        [original.SOPInstanceUID], ignore_spatial_locations=True
    )
    np.testing.assert_array_equal(read[0, ..., 0], some.mask > 0)
    np.testing.assert_array_equal(read[0, ..., 1], some.mask == 2)


def test_a_mask_without_fluid_has_one_segment():
    plain = plain_report()
    mask = np.minimum(plain.mask, 1)
    some = replace(plain, mask=mask, measurements=measure(mask, None))
    segments, told = results(file(), some)
    assert segments.number_of_segments == 1
    assert len(told.content.get_planar_roi_measurement_groups()) == 1


def test_nothing_marked_is_no_segmentation():
    plain = plain_report()
    empty = replace(
        plain, mask=plain.mask * 0, grade=None, probabilities=None, reason="No kidney."
    )
    with pytest.raises(ValueError, match="Nothing is marked"):
        results(file(), empty)


def figures(group):
    return {
        measurement.name.meaning: (measurement.value, measurement.unit.value)
        for measurement in group.get_measurements()
    }


@pytest.mark.parametrize(
    ("step", "area", "length"),
    [((0.5, 0.5), "mm2", "mm"), (None, "{pixels}", "{pixels}")],
)
def test_the_report_measures_in_millimetres_only_with_a_scale(step, area, length):
    some = report(step)
    _, told = results(file(), some)
    kidney, fluid = told.content.get_planar_roi_measurement_groups()
    found, measured = figures(kidney), some.measurements
    assert found["Area"] == (pytest.approx(measured.kidney_area), area)
    assert found["Hydronephrosis index (Shapiro 2008)"][0] == pytest.approx(
        measured.hydronephrosis_index
    )
    assert found["Probability of SFU 3"][0] == pytest.approx(0.75)
    assert figures(fluid)["Diameter"] == (
        pytest.approx(measured.pelvis_diameter),
        length,
    )


def test_the_report_names_the_grade_the_networks_and_the_segments():
    some = report()
    segments, told = results(file(), some)
    kidney, fluid = told.content.get_planar_roi_measurement_groups()
    (grade,) = kidney.get_qualitative_evaluations(name=SUGGESTED)
    assert (grade.value.meaning, grade.value.scheme_designator) == ("SFU 3", OURS)
    for number, group in enumerate((kidney, fluid), start=1):
        (region,) = group.referenced_segmentation_frame[0].ReferencedSOPSequence
        assert region.ReferencedSOPInstanceUID == segments.SOPInstanceUID
        assert region.ReferencedSegmentNumber == number
    assert told.CompletionFlag == "COMPLETE"
    assert told.VerificationFlag == "UNVERIFIED"
    assert some.weights_sha256 in told.to_json()


def test_a_referral_says_so_instead_of_a_grade():
    some = replace(
        report(),
        grade=None,
        probabilities=None,
        reason="Not sure.",
        referral=Referral.DOUBT,
    )
    _, told = results(file(), some)
    kidney, _ = told.content.get_planar_roi_measurement_groups()
    (grade,) = kidney.get_qualitative_evaluations(name=SUGGESTED)
    assert grade.value.value == GRADES[None].value


def test_a_frame_of_a_cine_loop_is_named():
    content = dicom(np.stack([picture(96, 96, seed=n) for n in range(3)]))
    segments, told = results(content, report(), replace(ORIGIN, frame=2))
    (source, *_) = (
        segments.PerFrameFunctionalGroupsSequence[0]
        .DerivationImageSequence[0]
        .SourceImageSequence
    )
    assert source.ReferencedSOPClassUID == UltrasoundMultiFrameImageStorage
    assert source.ReferencedFrameNumber == 3
    assert told.content.get_planar_roi_measurement_groups()


def test_a_png_becomes_a_dicom_image_to_refer_to():
    png = encoded(picture(96, 96, colour=True))
    image = decode(png)
    wrapped = dcmread(BytesIO(wrapped_image(image, ORIGIN)))
    np.testing.assert_array_equal(wrapped.pixel_array, image.pixels)
    segments, told = results(png, report())
    assert str(wrapped.PatientName) == "Kim Abernathy^"
    for made in (segments, told):
        assert made.StudyInstanceUID == wrapped.StudyInstanceUID
    (series,) = segments.ReferencedSeriesSequence
    (instance,) = series.ReferencedInstanceSequence
    assert instance.ReferencedSOPInstanceUID == wrapped.SOPInstanceUID


def test_the_same_report_is_always_the_same_object():
    first, again = results(file(), report()), results(file(), report())
    assert [made.SOPInstanceUID for made in first] == [
        made.SOPInstanceUID for made in again
    ]
