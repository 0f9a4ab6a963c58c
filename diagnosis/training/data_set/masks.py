"""Masks of a data set as class indices."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from diagnosis.grading.framing import Pixels, Size
from diagnosis.training.data_set.files import LABELME
from diagnosis.training.data_set.labelme import read_labelme
from diagnosis.training.data_set.pictures import read_values
from diagnosis.training.errors import DataSetRefused

LOSSY = frozenset({".jpg", ".jpeg"})


def read_mask(path: Path, size: Size, classes: Sequence[str]) -> Pixels:
    """Read a mask, (H, W) uint8, an index into ``classes``.

    An image holds those indices themselves, or is black and white: then white is
    the last class. A JPEG is always black and white, split at 127.

    Args:
        path: an image or a LabelMe file.
        size: (rows, columns) of its image, in pixels.
        classes: in order, the background first.

    Raises:
        DataSetRefused: it cannot be read, has another size, or holds other values.
    """
    if path.suffix.lower() == LABELME:
        return read_labelme(path, size, classes)
    mask = read_values(path)
    if mask.shape != size:
        raise DataSetRefused(
            f"{path} has {mask.shape[0]} × {mask.shape[1]} pixels, and its image has"
            f" {size[0]} × {size[1]}."
        )
    white = np.where(mask > 127, len(classes) - 1, 0).astype(np.uint8)
    if path.suffix.lower() in LOSSY:
        return white
    values = set(np.unique(mask).tolist())
    if values <= {0, 255}:
        return white
    unknown = sorted(values - set(range(len(classes))))
    if unknown:
        raise DataSetRefused(
            f"{path} holds the value {unknown[0]}; the classes"
            f" {', '.join(classes)} are 0 to {len(classes) - 1}, and black and white"
            " are 0 and 255."
        )
    return mask
