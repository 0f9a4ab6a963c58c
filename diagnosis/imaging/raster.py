"""Reading of PNG or JPEG bytes into upright pixels."""

import struct
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from typing import Literal

import numpy as np
from PIL import Image
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile

from diagnosis.imaging.errors import ImageRefused, refusing
from diagnosis.imaging.image import DecodedImage, ImageFacts, Pixels
from diagnosis.imaging.limits import check_frame, check_size
from diagnosis.imaging.parser_warnings import judging_warnings

RasterFormat = Literal["png", "jpeg"]

PNG_END = b"IEND\xaeB`\x82"
JPEG_SCAN, JPEG_END = b"\xff\xda", b"\xff\xd9"
MAX_SCANS = 100
"""Scans of a progressive JPEG; about ten are usual, each costs a full pass."""

ORIENTATION = 0x0112
UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""What brings each EXIF orientation upright (EXIF 2.3, tag 274)."""

UNREADABLE_EXIF = (
    EOFError,
    KeyError,
    OSError,
    OverflowError,
    SyntaxError,
    TypeError,
    ValueError,
    struct.error,
)


def inspect_raster(data: bytes, kind: RasterFormat) -> ImageFacts:
    """Read size and orientation.

    Raises:
        ImageRefused: damaged, cut short, too large or too small.
    """
    with _opened(data, kind) as image:
        columns, rows = image.size
        if _orientation(image) >= 5:
            columns, rows = rows, columns
    return ImageFacts(kind, 1, rows, columns)


def decode_raster(data: bytes, kind: RasterFormat, *, frame: int) -> DecodedImage:
    """Decode the still picture, or the first frame of an animated PNG.

    Raises:
        ImageRefused: as ``inspect_raster``, or ``frame`` is not 0.
    """
    check_frame(frame, 1)
    with _opened(data, kind) as image:
        image.load()
        turn = UPRIGHT.get(_orientation(image))
        upright = image if turn is None else image.transpose(turn)
        pixels = _flatten(upright)
    return DecodedImage(pixels, kind, frame, 1)


def check_complete(data: bytes, kind: RasterFormat) -> None:
    """Refuse a file whose end is missing, which Pillow may paint over.

    Raises:
        ImageRefused: no end after the last pixels, or absurdly many scans.
    """
    if kind == "png":
        complete = PNG_END in data
    else:
        complete = data.rfind(JPEG_END) > data.rfind(JPEG_SCAN)
    if not complete:
        raise ImageRefused(
            f"This {kind.upper()} file is cut short: its end is missing."
        )
    if kind == "jpeg" and data.count(JPEG_SCAN) > MAX_SCANS:
        raise ImageRefused(f"This JPEG file has more than {MAX_SCANS} scans.")


@contextmanager
def _opened(data: bytes, kind: RasterFormat) -> Iterator[Image.Image]:
    """Open a complete file of an allowed size, with nothing decoded yet."""
    sentence = f"This {kind.upper()} file is damaged."
    with judging_warnings(), refusing(sentence):
        # Not Image.open: it would judge the size by Pillow's own limit first.
        opener = PngImageFile if kind == "png" else JpegImageFile
        with opener(BytesIO(data)) as image:
            check_size(*image.size)
            check_complete(data, kind)
            yield image


def _orientation(image: Image.Image) -> int:
    """Return the EXIF orientation, 1 (upright) where none can be read."""
    try:
        value = image.getexif().get(ORIENTATION, 1)
    except UNREADABLE_EXIF:
        return 1
    return value if value in UPRIGHT else 1


def _flatten(image: Image.Image) -> Pixels:
    """Reduce any mode to 8-bit grey or RGB, transparency seen on black."""
    if image.mode.startswith("I"):
        return _flatten_16_bit(image)
    grey = image.mode in {"1", "L", "LA"}
    if image.has_transparency_data:
        black = Image.new("RGBA", image.size, (0, 0, 0, 255))
        image = Image.alpha_composite(black, image.convert("RGBA"))
    return np.array(image.convert("L" if grey else "RGB"), dtype=np.uint8)


def _flatten_16_bit(image: Image.Image) -> Pixels:
    """Keep the upper eight bits of a 16-bit grey PNG, as its standard allows."""
    values = np.array(image)
    transparent = image.info.get("transparency")
    if transparent is not None:
        values[values == transparent] = 0
    return (values >> 8).astype(np.uint8)
