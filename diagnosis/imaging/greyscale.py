"""The DICOM greyscale display pipeline, down to 8 bits."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.pixels.processing import apply_modality_lut, apply_windowing

from diagnosis.imaging.image import Pixels


def grey_to_bytes(samples: NDArray[Any], dataset: Any) -> Pixels:
    """Rescale, window and, for MONOCHROME1, invert stored grey values.

    Where the file gives no window, values of up to 8 bits keep their full
    range, and deeper ones are stretched between the frame's extremes: their
    scanners use a small part of 16 bits, which would show as black.

    Args:
        samples: (H, W) integers as stored.
        dataset: the data set with the photometric and window elements.
    """
    if _has_window(dataset):
        values = apply_modality_lut(samples, dataset)
        shown = apply_windowing(values, dataset)
        # What the window makes of the ends of the line is its black, its white.
        black, white = apply_windowing(np.array([-np.inf, np.inf]), dataset)
    else:
        shown = samples
        black, white = _range(samples, dataset)
    grey = _stretch(shown, float(black), float(white))
    return 255 - grey if dataset.PhotometricInterpretation == "MONOCHROME1" else grey


def _has_window(dataset: Any) -> bool:
    """Tell whether the first window is one that can be applied."""
    width, centre = dataset.get("WindowWidth"), dataset.get("WindowCenter")
    if width is None or centre is None:
        return False
    values = np.array([np.ravel(width)[:1], np.ravel(centre)[:1]], dtype=float)
    return bool(values.size == 2 and np.isfinite(values).all() and values[0, 0] > 1)


def _range(samples: NDArray[Any], dataset: Any) -> tuple[float, float]:
    """Return the stored values that are shown black, then white."""
    bits = int(dataset.BitsStored)
    if bits > 8:
        return float(samples.min()), float(samples.max())
    lowest = -(2 ** (bits - 1)) if samples.dtype.kind == "i" else 0
    return lowest, lowest + 2**bits - 1


def _stretch(values: NDArray[Any], black: float, white: float) -> Pixels:
    """Map black..white to 0..255, clipping what lies beyond."""
    if values.dtype == np.uint8 and (black, white) == (0, 255):
        return values
    if white == black:
        return np.zeros(values.shape, dtype=np.uint8)
    share = (values.astype(np.float32) - black) / (white - black)
    grey: Pixels = np.rint(np.clip(share, 0, 1) * 255).astype(np.uint8)
    return grey
