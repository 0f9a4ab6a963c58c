"""The image that results refer to, as DICOM."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from io import BytesIO
from uuid import UUID, uuid5

from pydicom import dcmread
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import (
    UID,
    ExplicitVRLittleEndian,
    UltrasoundImageStorage,
)

from diagnosis.imaging.image import DecodedImage

KEPT = (
    "SOPClassUID", "SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID",
    "PatientName", "PatientID", "PatientBirthDate", "PatientSex", "StudyID",
    "StudyDate", "StudyTime", "AccessionNumber", "ReferringPhysicianName",
    "Modality", "FrameOfReferenceUID", "InstanceNumber", "SeriesNumber",
)  # fmt: skip
"""What results take over from the image: whose it is, and its place in the study."""


@dataclass(frozen=True)
class Origin:
    """What is known of an image outside its own file.

    Attributes:
        document: the image's id in the history; missing UIDs are made of it, always
            the same ones.
        frame: of the file, from 0.
        patient_name: for files that name nobody.
        patient_id: likewise.
        birth_date: likewise.
        added: when it came into the history.
    """

    document: UUID
    frame: int
    patient_name: str
    patient_id: str
    birth_date: date
    added: datetime

    def uid(self, role: str) -> UID:
        """A UID under 2.25 (DICOM PS3.5 B.2), the same for the same role."""
        return UID(f"2.25.{uuid5(self.document, role).int}")


@dataclass(frozen=True, eq=False)
class Source:
    """An image's header, as a single picture: the libraries know no cine loops.

    Attributes:
        header: of the class of single ultrasound pictures, whatever the file is.
        sop_class: of the file itself.
        frame: counted from 1; None where the file is one picture.
    """

    header: Dataset
    sop_class: UID
    frame: int | None

    def name_in(self, made: Dataset) -> None:
        """Say in every reference to the image which class and frame it is."""
        for sequence, item in _items(made):
            if item.get("ReferencedSOPInstanceUID") != self.header.SOPInstanceUID:
                continue
            item.ReferencedSOPClassUID = self.sop_class
            if self.frame and sequence in {
                "SourceImageSequence",
                "ReferencedSOPSequence",
            }:
                item.ReferencedFrameNumber = self.frame


def read_source(content: bytes, image: DecodedImage, origin: Origin) -> Source:
    """What identifies an image, without its pixels.

    Args:
        content: the file; a DICOM file's own patient, study and UIDs are kept.
        image: the same, decoded.
        origin: fills what the file lacks.

    Returns:
        The elements that results refer to or take over.
    """
    header = _lacking(image, origin)
    sop_class = header.SOPClassUID
    if image.format == "dicom":
        original = dcmread(
            BytesIO(content), specific_tags=[*KEPT], stop_before_pixels=True
        )
        for keyword in KEPT:
            if original.get(keyword) not in {None, ""}:
                setattr(header, keyword, original[keyword].value)
        sop_class, header.SOPClassUID = header.SOPClassUID, UltrasoundImageStorage
    frame = image.frame + 1 if image.frames > 1 else None
    return Source(header, sop_class, frame)


def wrapped_image(image: DecodedImage, origin: Origin) -> bytes:
    """A PNG or JPEG as a DICOM ultrasound, so that an archive can show it.

    Identified as ``read_source`` says. A scale is written where it is known.
    """
    found = _lacking(image, origin)
    found.file_meta = FileMetaDataset()
    found.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    found.file_meta.MediaStorageSOPClassUID = found.SOPClassUID
    found.file_meta.MediaStorageSOPInstanceUID = found.SOPInstanceUID
    colour = image.pixels.ndim == 3
    found.SamplesPerPixel = 3 if colour else 1
    found.PhotometricInterpretation = "RGB" if colour else "MONOCHROME2"
    if colour:
        found.PlanarConfiguration = 0
    found.BitsAllocated = found.BitsStored = 8
    found.HighBit, found.PixelRepresentation = 7, 0
    found.ConversionType = "WSD"
    found.Manufacturer, found.ImageType = "", ["DERIVED", "SECONDARY"]
    found.PixelData = image.pixels.tobytes() + b"\0" * (image.pixels.nbytes % 2)
    stream = BytesIO()
    found.save_as(stream, enforce_file_format=True)
    return stream.getvalue()


def _lacking(image: DecodedImage, origin: Origin) -> Dataset:
    """The elements as they are where the file has none of its own."""
    header = Dataset()
    header.SOPClassUID = UltrasoundImageStorage
    header.SOPInstanceUID = origin.uid("image")
    header.StudyInstanceUID = origin.uid("study")
    header.SeriesInstanceUID = origin.uid("series")
    # The caret says that the one component is the whole name.
    header.PatientName = f"{origin.patient_name}^"
    header.PatientID = origin.patient_id
    header.PatientBirthDate = origin.birth_date.strftime("%Y%m%d")
    header.PatientSex = header.AccessionNumber = header.ReferringPhysicianName = ""
    header.StudyID = ""
    header.StudyDate = origin.added.strftime("%Y%m%d")
    header.StudyTime = origin.added.strftime("%H%M%S")
    header.Modality = "US"
    header.InstanceNumber, header.SeriesNumber = 1, 1
    header.Rows, header.Columns = image.pixels.shape[:2]
    return header


def _items(dataset: Dataset) -> Iterator[tuple[str, Dataset]]:
    """Every item at any depth, with the name of its sequence."""
    for element in dataset:
        if element.VR == "SQ":
            for item in element.value:
                yield element.keyword, item
                yield from _items(item)
