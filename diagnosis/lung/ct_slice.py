"""One DICOM file of a CT series, in Hounsfield units."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from pydicom.pixels.decoders.base import get_decoder
from pydicom.uid import (
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)

from diagnosis.imaging.decoding import sniff
from diagnosis.imaging.dicom import DAMAGED, read_elements
from diagnosis.imaging.errors import ImageRefused, refusing
from diagnosis.imaging.limits import check_size
from diagnosis.imaging.modalities import ULTRASOUND, describe_modality
from diagnosis.imaging.parser_warnings import judging_warnings
from diagnosis.lung.windows import Hounsfield

CT = "CT"
READABLE_SYNTAXES = (
    ImplicitVRLittleEndian,
    ExplicitVRLittleEndian,
    ExplicitVRBigEndian,
)

# Nothing that could name a person is even parsed.
TAGS = [
    "Modality", "ImageType", "SeriesInstanceUID", "SOPInstanceUID", "InstanceNumber",
    "ImagePositionPatient", "ImageOrientationPatient", "NumberOfFrames", "Rows",
    "Columns", "SamplesPerPixel", "PhotometricInterpretation", "BitsAllocated",
    "BitsStored", "HighBit", "PixelRepresentation", "RescaleIntercept", "RescaleSlope",
    "RescaleType", "PixelData",
]  # fmt: skip


@dataclass(frozen=True)
class SliceFacts:
    """What a slice says of itself.

    Attributes:
        series: its series, an opaque UID.
        uid: its own.
        rows: pixels.
        columns: pixels.
        slope: HU for each stored step.
        intercept: HU of a stored 0.
        position: (x, y, z) of its first pixel in the patient, mm; None where not said.
        directions: of its rows, then of its columns, six cosines; None where not said.
        number: of the image in its series; None where not said.
    """

    series: str
    uid: str
    rows: int
    columns: int
    slope: float
    intercept: float
    position: tuple[float, ...] | None
    directions: tuple[float, ...] | None
    number: int | None


def modality_of(data: bytes) -> str:
    """The modality that a DICOM file names, '' where it names none or is damaged."""
    try:
        sniffed = sniff(data)
        with judging_warnings(), refusing(DAMAGED):
            return (
                str(read_elements(data, ["Modality"]).get("Modality") or "")
                if sniffed == "dicom"
                else ""
            )
    except ImageRefused:
        return ""


def read_slice(data: bytes) -> tuple[SliceFacts, Hounsfield]:
    """Read a slice with its values, (H, W) HU.

    Raises:
        ImageRefused: as ``read_facts``, or its pixels are damaged.
    """
    dataset = _open(data)
    facts = _facts(dataset)
    with judging_warnings(), refusing("The pixels of this file are damaged."):
        decoder = get_decoder(dataset.file_meta.TransferSyntaxUID)
        stored, _ = decoder.as_array(dataset, index=0, raw=True)
        values = _used_bits(stored, int(dataset.BitsStored)).astype(np.float32)
    return facts, values * np.float32(facts.slope) + np.float32(facts.intercept)


def read_facts(data: bytes) -> SliceFacts:
    """Read what a slice says of itself, without its pixels.

    Raises:
        ImageRefused: no slice of a CT whose values can be turned into HU.
    """
    return _facts(_open(data))


def _open(data: bytes) -> Any:
    if sniff(data) != "dicom":
        raise ImageRefused("This file is a picture; only DICOM files hold CT slices.")
    with judging_warnings(), refusing(DAMAGED):
        dataset = read_elements(data, TAGS)
        _check_kind(dataset)
        _check_pixels(dataset)
    return dataset


def _check_kind(dataset: Any) -> None:
    modality = str(dataset.get("Modality") or "")
    if not modality:
        raise ImageRefused("This DICOM file does not name its modality.")
    if modality != CT:
        other = "an ultrasound (US)"
        if modality != ULTRASOUND:
            other = describe_modality(modality)
        raise ImageRefused(f"This DICOM file is {other}, not a computed tomography.")
    if "LOCALIZER" in (dataset.get("ImageType") or ()):
        raise ImageRefused(
            "This image is the overview from which the scan was planned, not a slice:"
            " leave it out."
        )
    if int(dataset.get("NumberOfFrames") or 1) != 1:
        raise ImageRefused(
            "This file holds many slices at once, which is not read here: export one"
            " file for each slice."
        )
    if not dataset.get("PixelData"):
        raise ImageRefused("This DICOM file holds no image.")


def _check_pixels(dataset: Any) -> None:
    syntax = dataset.file_meta.TransferSyntaxUID
    if syntax not in READABLE_SYNTAXES:
        raise ImageRefused(
            f"This slice stores its pixels as {syntax.name}, which is not read here:"
            " export it uncompressed."
        )
    rows, columns = int(dataset.Rows), int(dataset.Columns)
    check_size(columns, rows)
    bits, stored = int(dataset.BitsAllocated), int(dataset.BitsStored)
    usual = bits == 16 and 1 <= stored <= bits and int(dataset.HighBit) == stored - 1
    if not usual or dataset.SamplesPerPixel != 1:
        raise ImageRefused(
            "This slice does not store its pixels as a CT does: one value each, in 16"
            " bits."
        )
    if len(dataset.PixelData) < rows * columns * 2:
        raise ImageRefused("This DICOM file is cut short: pixels are missing.")


def _used_bits(stored: Any, bits: int) -> Any:
    """Take the bits above those used, which may hold anything, out of (H, W)."""
    unused = 16 - bits
    return (stored << unused) >> unused


def _facts(dataset: Any) -> SliceFacts:
    with judging_warnings(), refusing(DAMAGED):
        slope, intercept = _rescaling(dataset)
        number = dataset.get("InstanceNumber")
        return SliceFacts(
            series=_uid(dataset, "SeriesInstanceUID"),
            uid=_uid(dataset, "SOPInstanceUID"),
            rows=int(dataset.Rows),
            columns=int(dataset.Columns),
            slope=slope,
            intercept=intercept,
            position=_numbers(dataset.get("ImagePositionPatient"), 3),
            directions=_numbers(dataset.get("ImageOrientationPatient"), 6),
            number=None if number in (None, "") else int(number),
        )


def _rescaling(dataset: Any) -> tuple[float, float]:
    slope, intercept = dataset.get("RescaleSlope"), dataset.get("RescaleIntercept")
    if slope is None or intercept is None:
        raise ImageRefused(
            "This slice does not say how its values become Hounsfield units (rescale"
            " slope and intercept), and that is never guessed: export it anew from the"
            " scanner or the archive."
        )
    unit = str(dataset.get("RescaleType") or "HU")
    if unit != "HU":
        raise ImageRefused("The values of this slice are not in Hounsfield units.")
    slope, intercept = float(slope), float(intercept)
    if not (math.isfinite(slope) and slope > 0 and math.isfinite(intercept)):
        raise ImageRefused("The rescale slope or intercept of this slice is no number.")
    return slope, intercept


def _uid(dataset: Any, name: str) -> str:
    uid = str(dataset.get(name) or "")
    if not uid:
        raise ImageRefused("This slice does not say to which series it belongs.")
    return uid


def _numbers(values: Any, count: int) -> tuple[float, ...] | None:
    """So many finite numbers, or nothing where the file gives none."""
    if values in (None, ""):
        return None
    numbers = tuple(float(value) for value in values)
    if len(numbers) != count or not all(map(math.isfinite, numbers)):
        raise ImageRefused("The place of this slice in the patient is damaged.")
    return numbers
