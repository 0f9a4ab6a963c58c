"""A grade with its measurements as a DICOM structured report."""

import highdicom as hd
from highdicom import sr
from pydicom.sr.codedict import codes
from pydicom.sr.coding import Code
from pydicom.uid import UltrasoundImageStorage

from diagnosis.dicom_results.codes import (
    AREA,
    DIAMETER,
    FLUID_TO_TISSUE,
    GRADES,
    HYDRONEPHROSIS,
    HYDRONEPHROSIS_INDEX,
    KIDNEY,
    MILLIMETRES,
    PIXELS,
    PROBABILITY,
    RATIO,
    SQUARE_MILLIMETRES,
    SUGGESTED,
    TISSUE_AREA,
    ULTRASOUND,
)
from diagnosis.dicom_results.segmentation import MAKER, MODEL, SEGMENTS
from diagnosis.dicom_results.source import Origin, Source
from diagnosis.grading.report import GradeReport


def structured_report(
    report: GradeReport,
    *,
    source: Source,
    segments: hd.seg.Segmentation,
    origin: Origin,
    series: int = 901,
) -> sr.ComprehensiveSR:
    """A measurement report (DICOM PS3.16 TID 1500) on the one frame that was graded.

    Its first group is about the kidney: the suggested grade, the probability of each
    grade, areas and indices; its second, where there is fluid, about that. Each
    refers to its segment. Nothing is verified: no person has signed it.

    Args:
        report: the grade.
        source: the image.
        segments: as ``segmentation`` makes them of the same report.
        origin: gives UIDs that stay the same.
        series: number of the new series.
    """
    image = sr.SourceImageForSegmentation(
        UltrasoundImageStorage, source.header.SOPInstanceUID
    )
    groups = [_group(1, KIDNEY, _of_kidney(report), report, segments, image, origin)]
    if report.areas[1]:
        fluid = _of_fluid(report)
        groups.append(_group(2, HYDRONEPHROSIS, fluid, report, segments, image, origin))
    content = sr.MeasurementReport(
        observation_context=_observed_by(report, origin),
        procedure_reported=ULTRASOUND,
        imaging_measurements=groups,
        title=codes.DCM.ImagingMeasurementReport,
    )
    made = sr.ComprehensiveSR(
        evidence=[source.header, segments],
        content=content[0],
        series_instance_uid=origin.uid("report series"),
        series_number=series,
        sop_instance_uid=origin.uid(f"report {origin.frame}"),
        instance_number=origin.frame + 1,
        manufacturer=MAKER,
        is_complete=True,
    )
    source.name_in(made)
    return made


def _observed_by(report: GradeReport, origin: Origin) -> sr.ObservationContext:
    device = sr.DeviceObserverIdentifyingAttributes(
        uid=origin.uid(report.weights_sha256),
        name=f"{MAKER} {MODEL}",
        manufacturer_name=MAKER,
        model_name=report.model_version,
        serial_number=report.weights_sha256[:16],
    )
    observer = sr.ObserverContext(
        observer_type=codes.DCM.Device, observer_identifying_attributes=device
    )
    return sr.ObservationContext(observer_device_context=observer)


def _group(
    number: int,
    what: Code,
    measurements: list[sr.Measurement],
    report: GradeReport,
    segments: hd.seg.Segmentation,
    source: sr.SourceImageForSegmentation,
    origin: Origin,
) -> sr.PlanarROIMeasurementsAndQualitativeEvaluations:
    """What is said of one segment, which is the frame of the same number."""
    label = SEGMENTS[number - 1]
    suggested = sr.QualitativeEvaluation(SUGGESTED, GRADES[report.grade])
    return sr.PlanarROIMeasurementsAndQualitativeEvaluations(
        tracking_identifier=sr.TrackingIdentifier(
            uid=origin.uid(f"{label} {origin.frame}"), identifier=label
        ),
        referenced_segment=sr.ReferencedSegmentationFrame(
            sop_class_uid=segments.SOPClassUID,
            sop_instance_uid=segments.SOPInstanceUID,
            frame_number=number,
            segment_number=number,
            source_image=source,
        ),
        finding_type=what,
        algorithm_id=sr.AlgorithmIdentification(
            name=f"{MAKER} {MODEL}",
            version=report.model_version,
            parameters=[f"weights-sha256={report.weights_sha256}"],
        ),
        finding_sites=[sr.FindingSite(anatomic_location=KIDNEY)],
        measurements=measurements,
        qualitative_evaluations=[suggested] if number == 1 else None,
    )


def _of_kidney(report: GradeReport) -> list[sr.Measurement]:
    found = [
        sr.Measurement(PROBABILITY[grade], share, RATIO)
        for grade, share in (report.probabilities or {}).items()
    ]
    if (measured := report.measurements) is None:
        return found
    area = SQUARE_MILLIMETRES if measured.millimetres_per_pixel else PIXELS
    found += [
        sr.Measurement(AREA, measured.kidney_area, area),
        sr.Measurement(TISSUE_AREA, measured.parenchyma_area, area),
        sr.Measurement(HYDRONEPHROSIS_INDEX, measured.hydronephrosis_index, RATIO),
    ]
    if measured.fluid_to_parenchyma is not None:
        ratio = measured.fluid_to_parenchyma
        found.append(sr.Measurement(FLUID_TO_TISSUE, ratio, RATIO))
    return found


def _of_fluid(report: GradeReport) -> list[sr.Measurement]:
    if (measured := report.measurements) is None:
        return []
    scaled = measured.millimetres_per_pixel is not None
    return [
        sr.Measurement(
            AREA, measured.fluid_area, SQUARE_MILLIMETRES if scaled else PIXELS
        ),
        sr.Measurement(
            DIAMETER, measured.pelvis_diameter, MILLIMETRES if scaled else PIXELS
        ),
    ]
