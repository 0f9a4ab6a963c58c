"""The Haar wavelet transform of image batches."""

from typing import NamedTuple

from torch import Tensor
from torch.nn import functional as F  # noqa: N812 (the field's own name for it)

from diagnosis.networks.errors import ShapeError


class Bands(NamedTuple):
    """The four half-sized bands of a transform, each (B, C, H/2, W/2).

    Papers disagree on LH against HL, so the names are those of PyWavelets:
    cA approximation, cH horizontal, cV vertical, cD diagonal detail.
    """

    ca: Tensor
    ch: Tensor
    cv: Tensor
    cd: Tensor


def made_even(images: Tensor) -> Tensor:
    """(B, C, H, W) with its last row or column replicated where H or W is odd.

    Raises:
        ShapeError: the tensor has not four axes.
    """
    if images.dim() != 4:
        raise ShapeError(
            f"The wavelet transform reads (B, C, H, W); this is {tuple(images.shape)}."
        )
    odd_rows, odd_columns = images.shape[2] % 2, images.shape[3] % 2
    if odd_rows or odd_columns:
        images = F.pad(images, (0, odd_columns, 0, odd_rows), mode="replicate")
    return images


def haar_dwt(images: Tensor) -> Bands:
    """Split a batch into its Haar bands; orthonormal.

    With a, b / c, d the four pixels of each 2 × 2 square:
    cA = (a+b+c+d)/2, cH = (a+b−c−d)/2, cV = (a−b+c−d)/2, cD = (a−b−c+d)/2.

    Args:
        images: (B, C, H, W) float. Where H or W is odd, the last row or column
            is replicated first.

    Returns:
        Four (B, C, ⌈H/2⌉, ⌈W/2⌉) tensors. cA is twice the average pooling.

    Raises:
        ShapeError: the tensor has not four axes.
    """
    images = made_even(images)
    a, b = images[..., 0::2, 0::2], images[..., 0::2, 1::2]
    c, d = images[..., 1::2, 0::2], images[..., 1::2, 1::2]
    top, bottom = (a + b) / 2, (c + d) / 2
    top_step, bottom_step = (a - b) / 2, (c - d) / 2
    return Bands(
        ca=top + bottom,
        ch=top - bottom,
        cv=top_step + bottom_step,
        cd=top_step - bottom_step,
    )


def haar_idwt(bands: Bands) -> Tensor:
    """Put the bands together again: (B, C, H/2, W/2) × 4 → (B, C, H, W).

    Raises:
        ShapeError: the four bands differ in shape.
    """
    if len({tuple(band.shape) for band in bands}) != 1:
        raise ShapeError("The four bands must have one shape.")
    ca, ch, cv, cd = bands
    top, bottom = (ca + ch) / 2, (ca - ch) / 2
    top_step, bottom_step = (cv + cd) / 2, (cv - cd) / 2
    images = ca.new_empty((*ca.shape[:-2], 2 * ca.shape[-2], 2 * ca.shape[-1]))
    images[..., 0::2, 0::2] = top + top_step
    images[..., 0::2, 1::2] = top - top_step
    images[..., 1::2, 0::2] = bottom + bottom_step
    images[..., 1::2, 1::2] = bottom - bottom_step
    return images
