"""Random changes that leave the grade as it is."""

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 (the field's own name for it)


def move(
    images: Tensor,
    masks: Tensor,
    *,
    size: int,
    zoom: tuple[float, float],
    generator: torch.Generator,
) -> tuple[Tensor, Tensor]:
    """Mirror, turn, scale and shift each image together with its mask.

    Args:
        images: (B, C, H, W) float, normalised.
        masks: (B, H, W) integers.
        size: side of the square that comes out, in pixels.
        zoom: the least and the greatest share of the frame's side that is seen.
        generator: decides.

    Returns:
        (B, C, size, size) and (B, size, size) int64; what comes from outside
        repeats the border (images, which are dark there) or is background (masks).
    """
    grid = _grid(len(images), size, zoom, generator)
    moved = _sampled(images, grid)
    labels = F.grid_sample(
        masks.unsqueeze(1).float(), grid, mode="nearest", align_corners=False
    )
    return moved, labels.squeeze(1).long()


def move_images(
    images: Tensor, *, zoom: tuple[float, float], generator: torch.Generator
) -> Tensor:
    """``move`` for square images (B, C, S, S) that have no mask."""
    return _sampled(images, _grid(len(images), images.shape[-1], zoom, generator))


def mirror(images: Tensor, generator: torch.Generator) -> Tensor:
    """Flip about half of the images left to right."""
    flip = torch.rand(len(images), generator=generator) < 0.5
    return torch.where(flip[:, None, None, None], images.flip(-1), images)


def relight(images: Tensor, generator: torch.Generator) -> Tensor:
    """Change brightness and contrast of each image a little."""
    gain, lift = torch.rand(2, len(images), 1, 1, 1, generator=generator)
    lit: Tensor = images * (gain * 0.8 + 0.6) + (lift - 0.5) * 0.6
    return lit


def _grid(
    count: int, size: int, zoom: tuple[float, float], generator: torch.Generator
) -> Tensor:
    """Where each pixel comes from: mirrored, turned, scaled and shifted."""
    turn, scale, right, down, side = torch.rand(5, count, generator=generator)
    turn, scale = (turn - 0.5) * 0.5, zoom[0] + (zoom[1] - zoom[0]) * scale
    room = 0.15 + 0.6 * (1 - scale).clamp(min=0)  # keeps most organs in view
    flip = torch.where(side < 0.5, -1.0, 1.0)
    cos, sin = torch.cos(turn) * scale, torch.sin(turn) * scale
    upper = torch.stack((cos * flip, -sin, (2 * right - 1) * room), dim=1)
    lower = torch.stack((sin * flip, cos, (2 * down - 1) * room), dim=1)
    return F.affine_grid(
        torch.stack((upper, lower), dim=1), [count, 1, size, size], align_corners=False
    )


def _sampled(images: Tensor, grid: Tensor) -> Tensor:
    """What comes from outside repeats the border, which is dark."""
    return F.grid_sample(images, grid, padding_mode="border", align_corners=False)
