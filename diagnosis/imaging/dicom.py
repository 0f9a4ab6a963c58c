"""Reading of a DICOM ultrasound file, of which only pixels survive."""

from dataclasses import dataclass
from io import BytesIO
from typing import Any

from pydicom import dcmread
from pydicom.filereader import read_dataset
from pydicom.uid import (
    UID,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEGBaseline8Bit,
    MediaStorageDirectoryStorage,
    RLELossless,
)

from diagnosis.imaging.dicom_pixels import decode_frame
from diagnosis.imaging.errors import ImageRefused, refusing
from diagnosis.imaging.image import DecodedImage, ImageFacts
from diagnosis.imaging.limits import check_frame, check_size
from diagnosis.imaging.modalities import ULTRASOUND, describe_modality
from diagnosis.imaging.parser_warnings import judging_warnings
from diagnosis.imaging.regions import common_calibration, pixel_spacing, read_regions

DAMAGED = "This DICOM file is damaged or cut short."

# Nothing that could name a person is even parsed.
TAGS = [
    "Modality", "SequenceOfUltrasoundRegions", "PixelSpacing", "NumberOfFrames", "Rows",
    "Columns", "SamplesPerPixel", "PhotometricInterpretation", "PlanarConfiguration",
    "BitsAllocated", "BitsStored", "HighBit", "PixelRepresentation",
    "RescaleIntercept", "RescaleSlope", "WindowCenter", "WindowWidth",
    "VOILUTFunction", "RedPaletteColorLookupTableDescriptor",
    "GreenPaletteColorLookupTableDescriptor", "BluePaletteColorLookupTableDescriptor",
    "RedPaletteColorLookupTableData", "GreenPaletteColorLookupTableData",
    "BluePaletteColorLookupTableData", "ExtendedOffsetTable",
    "ExtendedOffsetTableLengths", "PixelData",
]  # fmt: skip

READABLE_SYNTAXES = (
    ImplicitVRLittleEndian,
    ExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    JPEGBaseline8Bit,
    RLELossless,
)

MAX_ITEMS = 100_000
"""Sequence items of one file: pydicom builds an object of a kilobyte for each."""


@dataclass(frozen=True, eq=False)
class UltrasoundFile:
    """A DICOM ultrasound whose header holds together; no pixel is decoded yet."""

    dataset: Any
    rows: int
    columns: int
    frames: int


def inspect_dicom(data: bytes) -> ImageFacts:
    """Read frames and size.

    Raises:
        ImageRefused: not a readable ultrasound with pixels of a fit size.
    """
    file = _open(data)
    return ImageFacts("dicom", file.frames, file.rows, file.columns)


def decode_dicom(data: bytes, *, frame: int) -> DecodedImage:
    """Decode the one frame asked for, with the file's ultrasound regions.

    Raises:
        ImageRefused: as ``inspect_dicom``, no such frame, or damaged pixels.
    """
    file = _open(data)
    check_frame(frame, file.frames)
    with (
        judging_warnings(),
        refusing(f"Frame {frame + 1:,} of this file is damaged."),
    ):
        pixels = decode_frame(file.dataset, frame, frames=file.frames)
    with judging_warnings(), refusing("The ultrasound regions are damaged."):
        items = file.dataset.get("SequenceOfUltrasoundRegions") or ()
        regions = read_regions(items, columns=file.columns, rows=file.rows)
        scale = (
            common_calibration(regions)
            if items
            else pixel_spacing(file.dataset.get("PixelSpacing"))
        )
    return DecodedImage(pixels, "dicom", frame, file.frames, regions, scale)


def _open(data: bytes) -> UltrasoundFile:
    """Read the header and check everything that can be checked without pixels."""
    with judging_warnings(), refusing(DAMAGED):
        dataset = read_elements(data, TAGS)
        _check_kind(dataset)
        rows, columns = int(dataset.Rows), int(dataset.Columns)
        frames = int(dataset.get("NumberOfFrames") or 1)
        check_size(columns, rows)
        _check_length(dataset, rows * columns, frames)
    return UltrasoundFile(dataset, rows, columns, frames)


def read_elements(data: bytes, tags: list[str]) -> Any:
    """Parse the elements named, leaving out all others.

    Raises:
        ImageRefused: too many items, or a syntax that could inflate to any size.
        Exception: a damaged file; pydicom decides which kind.
    """
    items = data.count(b"\xfe\xff\x00\xe0") + data.count(b"\xff\xfe\xe0\x00")
    if items > MAX_ITEMS:
        raise ImageRefused(f"This DICOM file has more than {MAX_ITEMS:,} items.")
    # Looked at first: pydicom would inflate a deflated file to any size.
    syntax = _file_meta(data).get("TransferSyntaxUID")
    if not syntax:
        raise ImageRefused("This DICOM file does not say how its pixels are stored.")
    if syntax.is_transfer_syntax and syntax.is_deflated:
        raise ImageRefused(_unsupported(syntax))
    return dcmread(BytesIO(data), specific_tags=tags)


def _file_meta(data: bytes) -> Any:
    """Read the elements of group 0002, which precede the data set."""
    stream = BytesIO(data)
    stream.seek(132)
    return read_dataset(
        stream,
        is_implicit_VR=False,
        is_little_endian=True,
        stop_when=lambda tag, _vr, _length: tag >> 16 != 2,
    )


def _check_kind(dataset: Any) -> None:
    """Refuse what is no ultrasound, has no pixels or hides them from us."""
    meta = dataset.file_meta
    if meta.get("MediaStorageSOPClassUID") == MediaStorageDirectoryStorage:
        raise ImageRefused(
            "This is a DICOMDIR, the list of contents of a disc; "
            "choose one of the images it lists."
        )
    modality = str(dataset.get("Modality") or "")
    if not modality:
        raise ImageRefused("This DICOM file does not name its modality.")
    if modality != ULTRASOUND:
        kind = describe_modality(modality)
        raise ImageRefused(f"This DICOM file is {kind}, not an ultrasound.")
    if not dataset.get("PixelData"):
        raise ImageRefused("This DICOM file holds no image.")
    if meta.TransferSyntaxUID not in READABLE_SYNTAXES:
        raise ImageRefused(_unsupported(meta.TransferSyntaxUID))


def _check_length(dataset: Any, pixels: int, frames: int) -> None:
    """Refuse a file that claims more frames than its bytes can hold."""
    if frames < 1:
        raise ImageRefused(f"This DICOM file claims to have {frames} frames.")
    if dataset.file_meta.TransferSyntaxUID.is_compressed:
        least = frames * 8  # Each frame is at least one item, which has a header.
    else:
        # YBR_FULL_422 stores two bytes where three samples are meant.
        halved = dataset.PhotometricInterpretation == "YBR_FULL_422"
        samples = 2 if halved else int(dataset.SamplesPerPixel)
        least = frames * pixels * samples * int(dataset.BitsAllocated) // 8
    if least > len(dataset.PixelData):
        raise ImageRefused(
            f"This DICOM file is cut short: it claims {frames:,} × "
            f"{pixels:,} pixels but holds {len(dataset.PixelData):,} bytes of them."
        )


def _unsupported(syntax: UID) -> str:
    """Name a way of storing pixels that we cannot read."""
    return (
        f"This DICOM file stores its pixels as {syntax.name}, which cannot be read "
        "here; export it uncompressed, as JPEG Baseline or as RLE."
    )
