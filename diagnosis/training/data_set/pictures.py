"""Images of a data set as pixels."""

from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from diagnosis.grading.framing import Pixels
from diagnosis.training.errors import DataSetRefused


def read_picture(path: Path) -> Pixels:
    """Read an image in colour, (H, W, 3) uint8, as it is meant to be looked at.

    Raises:
        DataSetRefused: the file is damaged, no image, or too large to be one.
    """
    return np.array(_open(path).convert("RGB"))


def read_values(path: Path) -> Pixels:
    """Read a mask, (H, W) uint8: indices into a palette, else greys.

    Raises:
        DataSetRefused: as ``read_picture``.
    """
    image = _open(path)
    return np.array(image if image.mode == "P" else image.convert("L"))


def _open(path: Path) -> Image.Image:
    try:
        with Image.open(path) as image:
            return ImageOps.exif_transpose(image)
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise DataSetRefused(f"{path} cannot be read as an image.") from error
