"""Image files made for the tests."""

import struct
import zlib
from io import BytesIO

import numpy as np
from PIL import Image
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.uid import (
    ExplicitVRLittleEndian,
    JPEGBaseline8Bit,
    UltrasoundMultiFrameImageStorage,
    generate_uid,
)

PATIENT_NAME = "Mbeki^Thandiwe"
PATIENT_ID = "HOSP-0042-7731"


def picture(rows=80, columns=96, *, colour=False, seed=0):
    """A smooth grey or RGB picture that has no zero and no flat row."""
    y, x = np.mgrid[:rows, :columns]
    grey = 60 + 100 * x / columns + 80 * y / rows + 5 * np.sin(x / 3 + seed)
    if colour:
        grey = np.stack([grey, grey * 0.8, 250 - grey * 0.9], axis=-1)
    return grey.astype(np.uint8)


def encoded(image, kind="PNG", **options):
    """Save a Pillow image or an array as bytes."""
    if isinstance(image, np.ndarray):
        image = Image.fromarray(image)
    stream = BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def chunk(name, body):
    """One PNG chunk."""
    crc = zlib.crc32(name + body)
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", crc)


def png_of(columns, rows, *, depth=8, colour=0, body=b"", extra=b""):
    """A PNG put together by hand, whatever its header claims."""
    header = struct.pack(">IIBBBBB", columns, rows, depth, colour, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + extra
        + chunk(b"IDAT", zlib.compress(body))
        + chunk(b"IEND", b"")
    )


def png_chunks(png):
    """The chunk names of a PNG, in order."""
    names, at = [], 8
    while at < len(png):
        (length,) = struct.unpack_from(">I", png, at)
        names.append(png[at + 4 : at + 8])
        at += length + 12
    return names


def region(x0, y0, x1, y1, **elements):
    """One item of the Sequence of Ultrasound Regions, tissue in 2D."""
    item = Dataset()
    item.RegionSpatialFormat = 1
    item.RegionDataType = 1
    item.RegionFlags = 0
    item.RegionLocationMinX0, item.RegionLocationMinY0 = x0, y0
    item.RegionLocationMaxX1, item.RegionLocationMaxY1 = x1, y1
    for keyword, value in elements.items():
        setattr(item, keyword, value)
    return item


def dataset(pixels, *, syntax=ExplicitVRLittleEndian, modality="US", **elements):
    """A DICOM ultrasound of frames (F, H, W) or (F, H, W, 3), or of one (H, W)."""
    frames = pixels[None] if pixels.ndim == 2 else pixels
    found = Dataset()
    found.file_meta = FileMetaDataset()
    found.file_meta.TransferSyntaxUID = syntax
    found.file_meta.MediaStorageSOPClassUID = UltrasoundMultiFrameImageStorage
    found.file_meta.MediaStorageSOPInstanceUID = generate_uid()
    found.SOPClassUID = UltrasoundMultiFrameImageStorage
    found.SOPInstanceUID = found.file_meta.MediaStorageSOPInstanceUID
    found.PatientName, found.PatientID = PATIENT_NAME, PATIENT_ID
    found.PatientBirthDate = "20190304"
    found.Modality = modality
    found.NumberOfFrames, found.Rows, found.Columns = frames.shape[:3]
    found.SamplesPerPixel = 3 if frames.ndim == 4 else 1
    found.PhotometricInterpretation = "RGB" if frames.ndim == 4 else "MONOCHROME2"
    if frames.ndim == 4:
        found.PlanarConfiguration = 0
    found.BitsAllocated = found.BitsStored = 8 * frames.dtype.itemsize
    found.HighBit = found.BitsStored - 1
    found.PixelRepresentation = int(frames.dtype.kind == "i")
    found.PixelData = frames.tobytes() + b"\0" * (frames.nbytes % 2)
    for keyword, value in elements.items():
        setattr(found, keyword, value)
    return found


def saved(found):
    """The bytes of a data set as a DICOM file."""
    stream = BytesIO()
    found.save_as(stream, enforce_file_format=True)
    return stream.getvalue()


def dicom(pixels, **elements):
    """The bytes of ``dataset``."""
    return saved(dataset(pixels, **elements))


def jpeg_dicom(frames, *, colours="YBR_FULL_422", **elements):
    """A DICOM file of JPEG Baseline frames."""
    found = dataset(np.stack(frames), syntax=JPEGBaseline8Bit, **elements)
    if found.SamplesPerPixel == 3:
        found.PhotometricInterpretation = colours
    found.PixelData = encapsulate([encoded(f, "JPEG", quality=95) for f in frames])
    found["PixelData"].VR = "OB"
    return saved(found)
