"""The merged picture that the classifier reads."""

import numpy as np
import numpy.typing as npt

from diagnosis.grading.framing import Pixels, Size

Colour = tuple[int, int, int]


def merge(
    frame: Pixels, mask: Pixels, *, palette: tuple[Colour, ...], alpha: float
) -> Pixels:
    """Tint a frame by its mask.

    M = (1 − α) I + α S      UPJO paper, eq. 8

    Args:
        frame: (H, W) uint8 grey, the image I.
        mask: (H, W) uint8, an index into the palette at each pixel.
        palette: the colours of S, RGB.
        alpha: the share of colour, 0 to 1.

    Returns:
        (H, W, 3) uint8, a view of pixels that take four bytes.
    """
    tints = np.asarray(palette, dtype=np.float32) * alpha
    levels = np.arange(256, dtype=np.float32) * (1 - alpha)
    table = np.zeros((256, len(palette), 4), dtype=np.uint8)
    table[..., :3] = np.rint(levels[:, None, None] + tints[None])
    # A number of four bytes a colour: looking up one is faster than three.
    places = frame.astype(np.intp) * len(palette) + mask
    merged: Pixels = np.take(table.view(np.uint32).ravel(), places).view(np.uint8)
    return merged.reshape(*frame.shape, 4)[..., :3]


def crop_window(mask: Pixels, crop: Size) -> tuple[slice, slice]:
    """Rows and columns of the crop, keeping the organ.

    The crop is centred on the centroid of kidney and fluid, then moved inside
    the frame; without either it is centred on the frame. A kidney longer than
    the crop loses its ends.

    Args:
        mask: (H, W), not 0 on kidney and fluid; no smaller than the crop.
        crop: (rows, columns).
    """
    organ = mask > 0
    return (
        _centred(organ.sum(axis=1), crop[0]),
        _centred(organ.sum(axis=0), crop[1]),
    )


def _centred(counts: npt.NDArray[np.intp], length: int) -> slice:
    """The stretch of a length around the mean of a distribution over places."""
    places = np.arange(len(counts))
    total = int(counts.sum())
    centre = float((places * counts).sum() / total) if total else len(counts) / 2
    begin = min(max(round(centre - length / 2), 0), len(counts) - length)
    return slice(begin, begin + length)
