"""The strip along the top edge in which scanners write names."""

from math import ceil

import numpy as np

from diagnosis.imaging.image import Pixels

LEAST_SHARE = 0.12
"""Share of the height that is always taken to be banner."""

MOST_SHARE = 0.25
"""Share of the height beyond which nothing is taken: the organ begins there.

In the four ultrasound images that come with pydicom the banner's writing ends
at 12, 15, 21 and 21 % of the height: a fixed share either leaves writing or
takes tissue from every image. So the banner follows the writing in between.
"""

JUMP = 64
"""Grey levels from one pixel to the next that make the edge of a letter."""

LEAST_JUMPS = 8
"""Edges in a row of writing: two letters."""

FLAT = 16
"""Grey levels around the row's median that count as its background."""

LEAST_BACKGROUND = 0.6
"""Share of background in a row of writing; tissue has far less."""


def banner_height(pixels: Pixels) -> int:
    """Return how many rows from the top are banner.

    At least LEAST_SHARE of the height; further down to the last row of
    writing, but at most MOST_SHARE.
    """
    rows = len(pixels)
    least, most = ceil(rows * LEAST_SHARE), ceil(rows * MOST_SHARE)
    writing = np.flatnonzero(_is_writing(pixels[:most]))
    # Two rows more, for the soft lower edge of the letters.
    last = int(writing[-1]) + 3 if writing.size else 0
    return max(least, min(last, most))


def _is_writing(pixels: Pixels) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Tell for each row whether it is sharp strokes on an even background."""
    grey = pixels if pixels.ndim == 2 else pixels.max(axis=2)
    levels = grey.astype(np.int16)
    jumps = (np.abs(np.diff(levels, axis=1)) >= JUMP).sum(axis=1)
    median = np.median(levels, axis=1, keepdims=True)
    background = (np.abs(levels - median) <= FLAT).mean(axis=1)
    found: np.ndarray[tuple[int], np.dtype[np.bool_]] = (jumps >= LEAST_JUMPS) & (
        background >= LEAST_BACKGROUND
    )
    return found
