"""The values that the imaging rooms hand to each other."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

FileFormat = Literal["png", "jpeg", "dicom"]
Pixels = NDArray[np.uint8]
"""uint8 in [0, 255]: (H, W) grey, or (H, W, 3) RGB."""


@dataclass(frozen=True)
class Region:
    """A rectangle of the image that holds ultrasound.

    Pixels x0 ≤ x < x1 and y0 ≤ y < y1 belong to it; it lies inside the image
    and is never empty.

    Attributes:
        overreaches: the file drew it beyond the image's edge, so it was
            probably drawn for the image at another size.
        millimetres_per_pixel: (x, y) in mm, or None where the file gives no
            length in centimetres or the region overreaches.
    """

    x0: int
    y0: int
    x1: int
    y1: int
    overreaches: bool = False
    millimetres_per_pixel: tuple[float, float] | None = None


@dataclass(frozen=True)
class ImageFacts:
    """What the header of a readable file says.

    Attributes:
        frames: at least 1; PNG and JPEG have 1.
        rows: height in pixels, upright.
        columns: width in pixels, upright.
    """

    format: FileFormat
    frames: int
    rows: int
    columns: int


@dataclass(frozen=True, eq=False)
class DecodedImage:
    """One upright frame, free of everything but its pixels and geometry.

    Attributes:
        pixels: uint8, (H, W) grey or (H, W, 3) RGB, C-contiguous.
        frame: index of this frame, 0 <= frame < frames.
        regions: ultrasound regions of a DICOM file; empty for PNG and JPEG.
        millimetres_per_pixel: (x, y) in mm where every region with a length
            agrees on it, else None; never guessed.
    """

    pixels: Pixels
    format: FileFormat
    frame: int
    frames: int
    regions: tuple[Region, ...] = ()
    millimetres_per_pixel: tuple[float, float] | None = None
