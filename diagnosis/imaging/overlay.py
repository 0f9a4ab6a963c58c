"""Pictures of a segmentation mask over its image."""

from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from diagnosis.imaging.image import Pixels
from diagnosis.imaging.png import encode_png, save_png

Mask = NDArray[np.uint8]
"""uint8 (H, W): 0 background, 1 kidney, 2 hydronephrotic area."""


@dataclass(frozen=True)
class Label:
    """One mask value as the result page shows it."""

    value: int
    name: str
    colour: tuple[int, int, int]

    @property
    def css(self) -> str:
        """The colour as '#rrggbb', for the legend."""
        return "#" + bytes(self.colour).hex()


# Sky blue and orange stay apart in every common kind of colour blindness
# and from grey tissue (Okabe and Ito, Color Universal Design, 2008).
LABELS = (
    Label(1, "Kidney", (86, 180, 233)),
    Label(2, "Hydronephrotic area", (230, 159, 0)),
)

ATTENTION = (204, 121, 167)
"""Reddish purple of the same palette: neither kidney nor fluid."""

STROKE_SHARE = 1 / 300
"""Outline thickness as a share of the longer side."""


def overlay_png(
    pixels: Pixels, mask: Mask, *, filled: bool = False, opacity: float = 0.4
) -> bytes:
    """Draw the mask over its image as PNG, outlined and, if asked, filled.

    Args:
        pixels: (H, W) or (H, W, 3) uint8.
        mask: (H, W) uint8 of the same size.
        filled: also tint the areas.
        opacity: of the tint, in [0, 1].

    Raises:
        ValueError: the sizes differ.
    """
    if mask.shape != pixels.shape[:2]:
        raise ValueError(f"The mask is {mask.shape}, the image {pixels.shape[:2]}.")
    under = Image.fromarray(pixels).convert("RGBA")
    over = Image.fromarray(_layer(mask, filled=filled, opacity=opacity))
    return save_png(Image.alpha_composite(under, over).convert("RGB"))


def layer_png(mask: Mask, *, filled: bool = False, opacity: float = 0.4) -> bytes:
    """Draw the mask alone, on a transparent ground, to be laid over its image."""
    return encode_png(_layer(mask, filled=filled, opacity=opacity))


def attention_png(attention: Pixels, size: tuple[int, int]) -> bytes:
    """Draw where a network looked, on a transparent ground, to be laid over its image.

    Args:
        attention: (h, w) uint8, 255 where it looked most; over the whole image.
        size: (rows, columns) of the drawing, in the image's proportions.
    """
    smooth = Image.fromarray(attention).resize(
        (size[1], size[0]), Image.Resampling.BICUBIC
    )
    layer = np.empty((*size, 4), dtype=np.uint8)
    layer[..., :3] = ATTENTION
    layer[..., 3] = np.asarray(smooth) * 0.7
    return encode_png(layer)


def preview_png(pixels: Pixels, max_side: int) -> bytes:
    """Shrink an image so that its longer side is at most ``max_side`` pixels.

    An image that is small enough keeps its size.

    Raises:
        ValueError: ``max_side`` is below 1.
    """
    if max_side < 1:
        raise ValueError("A preview needs at least one pixel a side.")
    image = Image.fromarray(pixels)
    image.thumbnail((max_side, max_side), Image.Resampling.LANCZOS)
    return save_png(image)


def _layer(mask: Mask, *, filled: bool, opacity: float) -> Pixels:
    """Return RGBA (H, W, 4): tint first, the outlines over it."""
    layer = np.zeros((*mask.shape, 4), dtype=np.uint8)
    thickness = ceil(max(mask.shape) * STROKE_SHARE)
    if filled:
        for label in LABELS:
            layer[mask == label.value] = (*label.colour, round(255 * opacity))
    for label, area in _areas(mask):
        layer[_edge(area, thickness)] = (*label.colour, 255)
    return layer


def _areas(mask: Mask) -> Iterator[tuple[Label, NDArray[np.bool_]]]:
    """Yield what each label encloses: the kidney holds the fluid in it."""
    for label in LABELS:
        yield label, mask >= label.value


def _edge(area: NDArray[np.bool_], thickness: int) -> NDArray[np.bool_]:
    """Return the pixels of an area within ``thickness`` of its border."""
    inner = area
    for _ in range(thickness):
        walled = np.pad(inner, 1)
        inner = (
            inner
            & walled[:-2, 1:-1]
            & walled[2:, 1:-1]
            & walled[1:-1, :-2]
            & walled[1:-1, 2:]
        )
    edge: NDArray[np.bool_] = area & ~inner
    return edge
