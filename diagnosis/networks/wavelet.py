"""The Haar wavelet transform of image batches."""

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 (the field's own name for it)

from diagnosis.networks.errors import ShapeError


class HaarBands(NamedTuple):
    """The four half-sized bands, each (B, C, H/2, W/2).

    Papers disagree on LH against HL, so the names are those of PyWavelets:
    cA approximation, cH horizontal, cV vertical, cD diagonal detail.
    """

    ca: Tensor
    ch: Tensor
    cv: Tensor
    cd: Tensor


def haar_dwt(images: Tensor) -> HaarBands:
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
    if images.dim() != 4:
        raise ShapeError(
            f"The wavelet transform reads (B, C, H, W); this is {tuple(images.shape)}."
        )
    odd_rows, odd_columns = images.shape[2] % 2, images.shape[3] % 2
    if odd_rows or odd_columns:
        images = F.pad(images, (0, odd_columns, 0, odd_rows), mode="replicate")
    a, b = images[..., 0::2, 0::2], images[..., 0::2, 1::2]
    c, d = images[..., 1::2, 0::2], images[..., 1::2, 1::2]
    top, bottom = (a + b) / 2, (c + d) / 2
    top_step, bottom_step = (a - b) / 2, (c - d) / 2
    return HaarBands(
        ca=top + bottom,
        ch=top - bottom,
        cv=top_step + bottom_step,
        cd=top_step - bottom_step,
    )


def haar_idwt(bands: HaarBands) -> Tensor:
    """Put the bands together again: (B, C, H/2, W/2) × 4 → (B, C, H, W).

    Raises:
        ShapeError: the four bands differ in shape.
    """
    if len({tuple(band.shape) for band in bands}) != 1:
        raise ShapeError("The four bands must have one shape.")
    ca, ch, cv, cd = bands
    top, bottom = (ca + ch) / 2, (ca - ch) / 2
    top_step, bottom_step = (cv + cd) / 2, (cv - cd) / 2
    upper = torch.stack((top + top_step, top - top_step), dim=-1).flatten(-2)
    lower = torch.stack((bottom + bottom_step, bottom - bottom_step), dim=-1)
    return torch.stack((upper, lower.flatten(-2)), dim=-2).flatten(-3, -2)


class HaarDWT(nn.Module):
    """The transform as a layer: an approximation beside stacked details."""

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """(B, C, H, W) → cA (B, C, H/2, W/2) and cH, cV, cD (B, 3C, H/2, W/2)."""
        bands = haar_dwt(images)
        return bands.ca, torch.cat(bands[1:], dim=1)
