"""Decoding of an uploaded file by what its bytes say it is."""

from diagnosis.imaging.dicom import decode_dicom, inspect_dicom
from diagnosis.imaging.errors import ImageRefused
from diagnosis.imaging.image import DecodedImage, FileFormat, ImageFacts, Region
from diagnosis.imaging.raster import decode_raster, inspect_raster

__all__ = ["DecodedImage", "ImageFacts", "Region", "decode", "inspect", "sniff"]

OTHER_FILES = (
    (b"%PDF-", "a PDF document"),
    (b"GIF8", "a GIF image"),
    (b"II*\x00", "a TIFF image"),
    (b"MM\x00*", "a TIFF image"),
    (b"BM", "a bitmap image"),
    (b"RIFF", "a WebP image, sound or video"),
    (b"\x00\x00\x00\x0cjP", "a JPEG 2000 image"),
    (b"PK\x03\x04", "a ZIP archive"),
    (b"\x1f\x8b", "a compressed archive"),
)
"""First bytes of files that people mistake for an image we read."""


def decode(data: bytes, *, frame: int = 0) -> DecodedImage:
    """Decode one frame of a PNG, JPEG or DICOM ultrasound file.

    The format is taken from the bytes alone. Memory is bounded by the file's
    own size plus a fixed number of bytes for each pixel of one frame.

    Args:
        data: the whole file.
        frame: index from 0; above 0 only in a multi-frame DICOM file.

    Raises:
        ImageRefused: the file is no usable ultrasound image; the sentence
            says why. No other exception leaves this function.
    """
    kind = sniff(data)
    if kind == "dicom":
        return decode_dicom(data, frame=frame)
    return decode_raster(data, kind, frame=frame)


def inspect(data: bytes) -> ImageFacts:
    """Read format, frames and size, refusing what the header already condemns.

    Raises:
        ImageRefused: as ``decode``, though damaged pixels may go unnoticed.
    """
    kind = sniff(data)
    return inspect_dicom(data) if kind == "dicom" else inspect_raster(data, kind)


def sniff(data: bytes) -> FileFormat:
    """Tell the format from the first bytes.

    Raises:
        ImageRefused: empty, or none of the three formats.
    """
    if not data:
        raise ImageRefused("This file is empty.")
    # A DICOM file may begin with anything: its mark follows 128 free bytes.
    if data[128:132] == b"DICM":
        return "dicom"
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return "png"
    if data.startswith(b"\xff\xd8\xff"):
        return "jpeg"
    raise ImageRefused(
        f"This file is {_describe(data)}; only PNG, JPEG and DICOM images can be read."
    )


def _describe(data: bytes) -> str:
    """Name a file that is none of ours."""
    for start, words in OTHER_FILES:
        if data.startswith(start):
            return words
    head = data[:1024].decode("utf-8", errors="replace").rstrip("�")
    if "�" not in head and all(sign.isprintable() or sign.isspace() for sign in head):
        return "text"
    return "of an unknown kind"
