"""What an image says of itself: which instance it is, and of whom."""

import hashlib
from dataclasses import dataclass
from io import BytesIO
from typing import Any

from pydicom import dcmread
from pydicom.uid import UID

from diagnosis.imaging.decoding import decode
from diagnosis.imaging.errors import ImageRefused, refusing
from diagnosis.imaging.image import FileFormat
from diagnosis.imaging.parser_warnings import judging_warnings

TAGS = ["SOPClassUID", "SOPInstanceUID", "StudyInstanceUID", "PatientID"]
PIXELS = ["Rows", "Columns", "PixelData"]


@dataclass(frozen=True, kw_only=True)
class Identity:
    """A sent file, decoded once to be sure of it."""

    format: FileFormat
    digest: str
    """SHA-256 of the stored pixels of a DICOM file, of any other file whole, hex."""
    sop_class: str = ""
    instance: str = ""
    study: str = ""
    patient_id: str = ""


def identify(data: bytes) -> Identity:
    """Decode a file and read which image it is.

    DICOM is told apart by its SOP Instance UID, and compared by its pixel data as
    stored: on its way a file gets another header, the pixels stay.

    Raises:
        ImageRefused: no usable ultrasound image, or a DICOM file without valid UIDs.
    """
    found = decode(data).format
    if found != "dicom":
        return Identity(format=found, digest=hashlib.sha256(data).hexdigest())
    read = _read(data, TAGS + PIXELS)
    uids = [str(read.get(name) or "") for name in TAGS[:3]]
    if not all(UID(uid).is_valid for uid in uids[:2]):
        raise ImageRefused(
            "This DICOM file has no valid SOP Class and SOP Instance UID, by which it"
            " would be recognised."
        )
    return Identity(
        format=found,
        digest=_digest(read),
        sop_class=uids[0],
        instance=uids[1],
        study=uids[2],
        patient_id=str(read.get("PatientID") or ""),
    )


def names(data: bytes) -> tuple[str, str]:
    """SOP Class and SOP Instance UID of what could not be kept; empty where unknown."""
    try:
        read = _read(data, TAGS)
        found = [str(read.get(name) or "") for name in TAGS[:2]]
    except ImageRefused:
        return "", ""
    valid = [uid if UID(uid).is_valid else "" for uid in found]
    return valid[0], valid[1]


def _read(data: bytes, tags: list[str]) -> Any:
    with judging_warnings(), refusing("This is no readable DICOM file."):
        read = dcmread(BytesIO(data), specific_tags=tags)
        for name in tags:
            read.get(name)  # values are parsed when they are asked for
    return read


def _digest(read: Any) -> str:
    """Of size ‖ stored pixels, so that the same bytes in another shape differ."""
    shape = f"{read.Rows}×{read.Columns}:".encode()
    return hashlib.sha256(shape + bytes(read.PixelData)).hexdigest()
