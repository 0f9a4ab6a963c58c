"""Decoding of one DICOM frame to 8-bit grey or RGB."""

from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from PIL.JpegImagePlugin import JpegImageFile
from pydicom.encaps import get_frame
from pydicom.pixels.decoders.base import get_decoder
from pydicom.pixels.processing import apply_color_lut
from pydicom.uid import JPEGBaseline8Bit, RLELossless

from diagnosis.imaging.errors import ImageRefused
from diagnosis.imaging.greyscale import grey_to_bytes
from diagnosis.imaging.image import Pixels
from diagnosis.imaging.raster import check_complete
from diagnosis.imaging.rle import decode_rle

Samples = NDArray[Any]
"""Stored values, (H, W) or (H, W, 3), 8 or 16 bits, signed or not."""

SAMPLES_PER_PIXEL = {
    "MONOCHROME1": 1,
    "MONOCHROME2": 1,
    "PALETTE COLOR": 1,
    "RGB": 3,
    "YBR_FULL": 3,
    "YBR_FULL_422": 3,
}
"""Photometric interpretations read here (DICOM PS3.3 C.7.6.3.1.2)."""


def decode_frame(dataset: Any, frame: int, *, frames: int) -> Pixels:
    """Decode one frame as a screen would show it; the others stay untouched.

    Args:
        dataset: a data set whose rows, columns and pixel data were checked.
        frame: 0 <= frame < frames.
        frames: what the file says it holds.

    Raises:
        ImageRefused: a pixel layout that is not read here.
        Exception: damaged pixels; pydicom or Pillow decide which kind.
    """
    _check_layout(dataset)
    syntax = dataset.file_meta.TransferSyntaxUID
    if syntax == RLELossless:
        samples = decode_rle(_encoded(dataset, frame, frames), dataset)
        colours = dataset.PhotometricInterpretation
    else:
        if syntax == JPEGBaseline8Bit:
            _check_jpeg(_encoded(dataset, frame, frames), dataset)
        decoder = get_decoder(syntax)
        samples, facts = decoder.as_array(dataset, index=frame, raw=True)
        colours = str(facts["photometric_interpretation"])
    return np.ascontiguousarray(_display(samples, colours, dataset))


def _check_layout(dataset: Any) -> None:
    """Refuse layouts that pydicom would decode to something unforeseen."""
    colours = str(dataset.PhotometricInterpretation)
    if SAMPLES_PER_PIXEL.get(colours) != dataset.SamplesPerPixel:
        raise ImageRefused(
            f"This DICOM file stores {dataset.SamplesPerPixel} samples per pixel as "
            f"“{colours[:16]}”, which cannot be read here."
        )
    bits = dataset.BitsAllocated
    if bits not in {8, 16} or not 1 <= dataset.BitsStored <= bits:
        raise ImageRefused(
            f"This DICOM file stores {dataset.BitsStored} of {bits} bits per sample; "
            "only 8 and 16 bits can be read."
        )


def _encoded(dataset: Any, frame: int, frames: int) -> bytes:
    """Cut one compressed frame out of the pixel data."""
    table = dataset.get("ExtendedOffsetTable")
    lengths = dataset.get("ExtendedOffsetTableLengths")
    found: bytes = get_frame(
        dataset.PixelData,
        frame,
        extended_offsets=(table, lengths) if table and lengths else None,
        number_of_frames=frames,
    )
    return found


def _check_jpeg(encoded: bytes, dataset: Any) -> None:
    """Refuse a JPEG that is cut short or larger than the header says."""
    check_complete(encoded, "jpeg")
    with JpegImageFile(BytesIO(encoded)) as image:
        if image.size != (dataset.Columns, dataset.Rows):
            raise ImageRefused(
                "The compressed frame has another size than the file says."
            )


def _display(samples: Samples, colours: str, dataset: Any) -> Pixels:
    """Turn stored values into what is seen."""
    if colours.startswith("MONOCHROME"):
        return grey_to_bytes(samples, dataset)
    if colours == "PALETTE COLOR":
        return _look_up(samples, dataset)
    if samples.dtype != np.uint8:
        shift = max(int(dataset.BitsStored) - 8, 0)
        samples = np.minimum(samples >> shift, 255).astype(np.uint8)
    if colours == "RGB":
        return samples
    return np.array(_as_ybr(samples).convert("RGB"))


def _as_ybr(samples: Pixels) -> Image.Image:
    """Give YBR samples to Pillow, which converts them without float copies."""
    rows, columns = samples.shape[:2]
    return Image.frombytes("YCbCr", (columns, rows), samples.tobytes())


def _look_up(samples: Samples, dataset: Any) -> Pixels:
    """Colour indices through the file's palette of 8 or 16 bits."""
    if "RedPaletteColorLookupTableData" not in dataset:
        # A segmented palette can grow to any size while it is expanded.
        raise ImageRefused("This DICOM file's palette is segmented or missing.")
    coloured = apply_color_lut(samples, dataset)
    depth = int(dataset.RedPaletteColorLookupTableDescriptor[2])
    if coloured.dtype == np.uint16:
        coloured >>= max(depth - 8, 0)
    return coloured.astype(np.uint8)
