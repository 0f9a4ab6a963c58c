"""Wavelet transforms as layers, where a network would pool."""

from typing import Literal

import torch
from torch import Tensor, nn

from diagnosis.networks.filter_bank import dwt
from diagnosis.networks.wavelet import Bands


class _Transform(nn.Module):
    """The transform by a wavelet's name."""

    def __init__(self, wavelet: str = "haar") -> None:
        super().__init__()
        self.wavelet = wavelet

    def bands(self, images: Tensor) -> Bands:
        return dwt(images, self.wavelet)

    def extra_repr(self) -> str:
        return self.wavelet


class WaveletSplit(_Transform):
    """An approximation beside stacked details."""

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """(B, C, H, W) → cA (B, C, H/2, W/2) and cH, cV, cD (B, 3C, H/2, W/2)."""
        bands = self.bands(images)
        return bands.ca, torch.cat(bands[1:], dim=1)


class Approximation(_Transform):
    """The approximation alone; by Haar it is twice the average pooling."""

    def forward(self, images: Tensor) -> Tensor:
        """(B, C, H, W) → cA (B, C, H/2, W/2)."""
        return self.bands(images).ca


class StackedBands(_Transform):
    """All four bands as channels: nothing is lost."""

    def forward(self, images: Tensor) -> Tensor:
        """(B, C, H, W) → cA, cH, cV, cD (B, 4C, H/2, W/2)."""
        return torch.cat(self.bands(images), dim=1)


Pooling = Literal["max", "approximation", "bands"]


def pooling(
    kind: Pooling, *, kernel: int = 3, padding: int = 0, ceil: bool = False
) -> nn.Module:
    """What halves a map: the largest of each window, or a Haar transform.

    Kernel, padding and rounding are the maximum's; the transform has none.
    """
    match kind:
        case "max":
            return nn.MaxPool2d(kernel, stride=2, padding=padding, ceil_mode=ceil)
        case "approximation":
            return Approximation()
        case "bands":
            return StackedBands()
