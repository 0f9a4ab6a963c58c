"""Asks a classifier again, how sure it is and where it looked."""

from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from diagnosis.grading.framing import Letterbox, Pixels, Size, resize
from diagnosis.grading.tensors import to_batch
from diagnosis.grading.views import views

LONGEST = 128
"""Pixels along the longer side: the map knows no more than some seven cells a side."""

Probabilities = npt.NDArray[np.float64]


def look_again(network: nn.Module, picture: Pixels) -> tuple[Probabilities, Pixels]:
    """Classify the picture's views in one batch, and weigh the places of the plain one.

    α_k = mean over places of ∂y / ∂A_k,  L = ReLU(Σ α_k A_k)
    Grad-CAM: Selvaraju et al. 2017, eq. 1 and 2; y is the likeliest output.

    The trunk runs without gradients: the price is one forward pass of four pictures,
    and a backward pass through the head. One thread at a time may ask a network.

    Args:
        network: (B, 3, H, W) → (B, K) logits, in eval mode, with a ``head`` that reads
            a feature map (B, C, h, w).
        picture: (H, W, 3) uint8.

    Returns:
        (4, K) probabilities, the plain look's first; (h, w) uint8, 255 where it looked
        most, all 0 where no place spoke for the answer.
    """
    device = next(network.parameters()).device
    with torch.inference_mode(mode=False), torch.no_grad():
        features, logits = _halves(network, to_batch(views(picture)).to(device))
        plain = features[:1].clone().requires_grad_()
        with torch.enable_grad():
            answer: Tensor = _head(network)(plain)
            likeliest = _strengths(answer)[0].max()
        (gradient,) = torch.autograd.grad(likeliest, plain)
    weights = gradient[0].mean(dim=(1, 2), keepdim=True)
    looked = (weights * features[0]).sum(dim=0).relu()
    looked = 255 * looked / looked.max().clamp(min=torch.finfo(looked.dtype).tiny)
    places: Pixels = looked.round().to(torch.uint8).cpu().numpy()
    return logits.double().softmax(dim=1).cpu().numpy(), places


def lay_over(
    places: Pixels, *, window: tuple[slice, slice], box: Letterbox, size: Size
) -> Pixels:
    """Bring a map of the classifier's crop to the shape of the image.

    Args:
        places: (h, w) uint8 over the crop.
        window: rows and columns of the crop in the frame.
        box: where the image lies in the frame.
        size: (rows, columns) of the image.

    Returns:
        uint8 of the image's proportions, at most 128 pixels a side; 0 outside the crop.
    """
    frame = np.zeros(box.outer, dtype=np.uint8)
    crop = frame[window]
    crop[:] = resize(places, (crop.shape[0], crop.shape[1]))
    scale = min(1.0, LONGEST / max(size))
    small = (max(round(size[0] * scale), 1), max(round(size[1] * scale), 1))
    return resize(frame[box.window], small)


def _halves(network: nn.Module, batch: Tensor) -> tuple[Tensor, Tensor]:
    """What the head reads, with what the network answers."""
    seen: list[Tensor] = []

    def keep(_head: nn.Module, inputs: tuple[Any, ...]) -> None:
        seen.append(inputs[0])

    handle = _head(network).register_forward_pre_hook(keep)
    try:
        logits: Tensor = network(batch)
    finally:
        handle.remove()
    return seen[0], logits


def _head(network: nn.Module) -> nn.Module:
    head = network.head
    if not isinstance(head, nn.Module):
        raise TypeError(f"{type(network).__name__} has no head to look behind.")
    return head


def _strengths(answer: Tensor) -> Tensor:
    """Logits (1, K) as they are; capsules (1, K, D) by their lengths."""
    return answer if answer.dim() == 2 else answer.norm(dim=2)
