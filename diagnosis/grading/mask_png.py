"""A mask as the bytes of a PNG file."""

import io

import numpy as np
import numpy.typing as npt
from PIL import Image, UnidentifiedImageError

from diagnosis.grading.errors import ReportRejected

MAX_PIXELS = 50_000_000


def encode_mask(mask: npt.NDArray[np.uint8]) -> bytes:
    """(H, W) uint8 → an 8-bit grey PNG, without metadata."""
    out = io.BytesIO()
    Image.fromarray(mask).save(out, format="PNG")
    return out.getvalue()


def decode_mask(png: bytes, size: tuple[int, int]) -> npt.NDArray[np.uint8]:
    """A PNG → (H, W) uint8.

    Args:
        png: the file.
        size: (rows, columns) that it must have; checked before it is unpacked.

    Raises:
        ReportRejected: no 8-bit grey PNG of that size.
    """
    try:
        with Image.open(io.BytesIO(png), formats=["PNG"]) as image:
            if image.mode != "L" or (image.height, image.width) != size:
                raise ReportRejected(
                    f"The mask must be an 8-bit grey PNG of {size[1]} × {size[0]};"
                    f" it is {image.mode}, {image.width} × {image.height}."
                )
            if size[0] * size[1] > MAX_PIXELS:
                raise ReportRejected(f"The mask has more than {MAX_PIXELS:,} pixels.")
            return np.array(image)
    except (UnidentifiedImageError, OSError, SyntaxError) as error:
        raise ReportRejected(f"The mask is not a PNG file: {error}.") from error
