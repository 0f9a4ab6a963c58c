"""The same picture, seen a little otherwise."""

import numpy as np

from diagnosis.grading.framing import Pixels

GAINS = (0.9, 1.1)
"""Darker and lighter by a tenth: less than one turn of a scanner's gain knob."""


def views(picture: Pixels) -> Pixels:
    """A picture as it is, mirrored, darker, lighter: none changes what it shows.

    Args:
        picture: (H, W, 3) uint8.

    Returns:
        (4, H, W, 3) uint8, the picture itself first.
    """
    lit = [relight(picture, gain) for gain in GAINS]
    return np.stack([picture, mirror(picture), *lit])


def mirror(picture: Pixels) -> Pixels:
    """Left to right: a kidney may lie either way."""
    return picture[:, ::-1]


def relight(picture: Pixels, gain: float) -> Pixels:
    """Multiply every level; 255 is the lightest there is."""
    levels = np.rint(np.arange(256) * gain).clip(0, 255).astype(np.uint8)
    lit: Pixels = levels[picture]
    return lit
