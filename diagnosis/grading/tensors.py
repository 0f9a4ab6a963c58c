"""Pixels as the networks read them."""

import numpy as np
import torch
from torch import Tensor

from diagnosis.grading.framing import Pixels

MEAN, DEVIATION = 0.25, 0.25  # of grey in [0, 1]; ultrasound is mostly dark


_LEVELS = ((torch.arange(256).float() / 255 - MEAN) / DEVIATION).numpy()


def normalise(pictures: Pixels) -> Tensor:
    """Bytes of any shape → float32 of the same shape, about centred on 0."""
    return torch.from_numpy(np.take(_LEVELS, pictures))


def to_images(pictures: Pixels, device: torch.device | None = None) -> Tensor:
    """Normalise grey (B, H, W) or colour (B, H, W, 3) uint8.

    Returns:
        (B, 3, H, W) float32, a view: how it lies in memory is left to whoever
        runs the network. The channels of grey are one.
    """
    tensor = normalise(pictures).to(device or "cpu")
    if tensor.dim() == 3:
        tensor = tensor.unsqueeze(-1).expand(-1, -1, -1, 3)
    return tensor.permute(0, 3, 1, 2)


def to_batch(pictures: Pixels) -> Tensor:
    """The same, channels last in memory: convolutions on a CPU are faster so."""
    return to_images(pictures).contiguous(memory_format=torch.channels_last)
