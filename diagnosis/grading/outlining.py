"""What the segmenter's logits say of a frame."""

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 (the field's own name for it)

from diagnosis.grading.framing import Pixels, Size


def labels(logits: Tensor, size: Size) -> Pixels:
    """The likeliest class of each pixel, scaled to a size before it is decided.

    Args:
        logits: (K, h, w).
        size: (rows, columns) of the mask.

    Returns:
        (rows, columns) uint8; of equally likely classes the first.
    """
    full = F.interpolate(logits[None], size, mode="bilinear", align_corners=False)[0]
    best, mask = full[0], torch.zeros(size, dtype=torch.uint8, device=full.device)
    for label, level in enumerate(full[1:], start=1):  # argmax takes ten times as long
        mask.masked_fill_(level > best, label)
        best = torch.maximum(best, level)
    pixels: Pixels = mask.cpu().numpy()
    return pixels


def certainty_of_marks(logits: Tensor) -> float:
    """The mean probability of what is marked as other than class 0; 0 for nothing.

    Args:
        logits: (K, h, w).
    """
    best, marks = logits.softmax(dim=0).max(dim=0)
    marked = best[marks > 0]
    return float(marked.mean()) if marked.numel() else 0.0
