"""Kidney and fluid as a DICOM segmentation."""

import highdicom as hd
import numpy as np
from pydicom.sr.coding import Code

from diagnosis.dicom_results.codes import (
    ABNORMAL,
    HYDRONEPHROSIS,
    KIDNEY,
    LEARNING,
    ORGAN,
)
from diagnosis.dicom_results.source import Origin, Source
from diagnosis.grading.report import FLUID, GradeReport

MAKER, MODEL = "Anamnesis", "UPJO grading"
SEGMENTS = ("Kidney with its fluid", "Hydronephrotic area")
"""Segments 1 and 2, which overlap: the fluid lies in the kidney."""


def segmentation(
    report: GradeReport, *, source: Source, origin: Origin, series: int = 900
) -> hd.seg.Segmentation:
    """A binary segmentation of the one frame that was graded (DICOM PS3.3 A.51).

    Args:
        report: with something marked in its mask.
        source: the image, as ``read_source`` gives it.
        origin: gives UIDs that stay the same however often it is exported.
        series: number of the new series.

    Raises:
        ValueError: the mask marks nothing, or is of another size than the image.
    """
    planes = np.stack([report.mask > 0, report.mask == FLUID], axis=-1)
    if not planes.any():
        raise ValueError("Nothing is marked that a segmentation could hold.")
    kinds = [(ORGAN, KIDNEY), (ABNORMAL, HYDRONEPHROSIS)]
    if not planes[..., 1].any():
        planes, kinds = planes[..., :1], kinds[:1]
    described = [
        _described(number, kind, report, origin)
        for number, kind in enumerate(kinds, start=1)
    ]
    made = hd.seg.Segmentation(
        source_images=[source.header],
        pixel_array=planes[None].astype(np.uint8),
        segmentation_type=hd.seg.SegmentationTypeValues.BINARY,
        segment_descriptions=described,
        series_instance_uid=origin.uid("segmentation series"),
        series_number=series,
        sop_instance_uid=origin.uid(f"segmentation {origin.frame}"),
        instance_number=origin.frame + 1,
        manufacturer=MAKER,
        manufacturer_model_name=MODEL,
        software_versions=report.model_version,
        device_serial_number=report.weights_sha256[:16],
        content_description="AI suggestion, not for clinical use",
    )
    source.name_in(made)
    return made


def algorithm(report: GradeReport) -> hd.AlgorithmIdentificationSequence:
    """Which networks: name, version, and the digest of their weights."""
    return hd.AlgorithmIdentificationSequence(
        name=f"{MAKER} {MODEL}",
        version=report.model_version,
        family=LEARNING,
        parameters={"weights-sha256": report.weights_sha256},
    )


def _described(
    number: int, kind: tuple[Code, Code], report: GradeReport, origin: Origin
) -> hd.seg.SegmentDescription:
    category, what = kind
    label = SEGMENTS[number - 1]
    return hd.seg.SegmentDescription(
        segment_number=number,
        segment_label=label,
        segmented_property_category=category,
        segmented_property_type=what,
        algorithm_type=hd.seg.SegmentAlgorithmTypeValues.AUTOMATIC,
        algorithm_identification=algorithm(report),
        tracking_uid=origin.uid(f"{label} {origin.frame}"),
        tracking_id=label,
    )
