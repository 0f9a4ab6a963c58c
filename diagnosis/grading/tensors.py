"""Pixels as the networks read them."""

import torch
from torch import Tensor

from diagnosis.grading.framing import Pixels

MEAN, DEVIATION = 0.25, 0.25  # of grey in [0, 1]; ultrasound is mostly dark


def normalise(pictures: Pixels) -> Tensor:
    """Bytes of any shape → float32 of the same shape, about centred on 0."""
    return (torch.tensor(pictures).float() / 255 - MEAN) / DEVIATION


def to_batch(pictures: Pixels) -> Tensor:
    """Normalise grey (B, H, W) or colour (B, H, W, 3) uint8.

    Returns:
        (B, 3, H, W) float32, channels last in memory: convolutions on a CPU are
        faster so.
    """
    tensor = normalise(pictures)
    if tensor.dim() == 3:
        tensor = tensor.unsqueeze(-1).expand(-1, -1, -1, 3)
    return tensor.permute(0, 3, 1, 2).contiguous(memory_format=torch.channels_last)
