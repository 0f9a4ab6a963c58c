"""Images for a scanner that has none: drawn kidneys, as DICOM ultrasound."""

from collections.abc import Iterator
from io import BytesIO

import numpy as np
from PIL import Image
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, UltrasoundImageStorage, generate_uid

from diagnosis.grading.scale import Grade
from diagnosis.training.phantoms import sample_image


def phantoms(count: int, *, patient_id: str, first_seed: int) -> Iterator[bytes]:
    """So many synthetic kidneys of one study, each grade in turn.

    Args:
        count: how many.
        patient_id: what the files give as Patient ID.
        first_seed: of the drawing; the same seeds draw the same kidneys.
    """
    study, grades = generate_uid(), list(Grade)
    for number in range(count):
        grade = grades[number % len(grades)]
        png = sample_image(grade, first_seed + number)
        with Image.open(BytesIO(png)) as image:
            pixels = np.asarray(image.convert("L"))
        yield _file(pixels, study, number + 1, patient_id)


def _file(
    pixels: "np.ndarray[tuple[int, ...], np.dtype[np.uint8]]",
    study: str,
    number: int,
    patient_id: str,
) -> bytes:
    found = Dataset()
    found.file_meta = FileMetaDataset()
    found.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    found.SOPClassUID, found.SOPInstanceUID = UltrasoundImageStorage, generate_uid()
    found.file_meta.MediaStorageSOPClassUID = found.SOPClassUID
    found.file_meta.MediaStorageSOPInstanceUID = found.SOPInstanceUID
    found.StudyInstanceUID, found.SeriesInstanceUID = study, generate_uid()
    found.PatientID, found.PatientName = patient_id, "Phantom"
    found.Modality, found.InstanceNumber = "US", number
    found.Rows, found.Columns = pixels.shape
    found.SamplesPerPixel, found.PhotometricInterpretation = 1, "MONOCHROME2"
    found.BitsAllocated = found.BitsStored = 8
    found.HighBit, found.PixelRepresentation = 7, 0
    found.PixelData = pixels.tobytes() + b"\0" * (pixels.size % 2)
    stream = BytesIO()
    found.save_as(stream, enforce_file_format=True)
    return stream.getvalue()
