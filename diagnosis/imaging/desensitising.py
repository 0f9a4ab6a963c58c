"""Desensitising of an image before it leaves the hospital."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from diagnosis.imaging.banner import banner_height
from diagnosis.imaging.image import DecodedImage, Pixels, Region
from diagnosis.imaging.png import encode_png

DROPPED = {
    "dicom": "Every DICOM field is left out: names, numbers, dates, institution, device.",
    "jpeg": "EXIF, comments and every other note in the JPEG file are left out.",
    "png": "Text, EXIF and every other note in the PNG file are left out.",
}

LOOK = "Writing elsewhere in the picture is not found: look at it before you send it."

NEARLY_ALL = 0.95
"""Share of the frame from which on regions are taken to hold the banner too.

Files often draw their region a row or a column short of the whole picture.
"""


@dataclass(frozen=True, eq=False)
class Desensitised:
    """What the diagnosis service will get.

    Attributes:
        pixels: uint8 of the shape of the decoded image, 0 where blanked.
        png: the same pixels, in a PNG that holds nothing else.
        removed: sentences for the doctor on what was taken out.
        remaining: sentences for the doctor on what to look for in the preview.
    """

    pixels: Pixels
    png: bytes
    removed: tuple[str, ...]
    remaining: tuple[str, ...]


def desensitise(image: DecodedImage) -> Desensitised:
    """Keep the ultrasound alone: no identifiers, no writing around it.

    Identifiers are lost by construction: only pixels are written out. Blanked
    is everything outside the file's ultrasound regions; where it has none, or they
    leave next to nothing out, also the banner along the top edge.
    """
    inside = _inside(image)
    pixels, removed = image.pixels, [DROPPED[image.format]]
    if image.regions and not inside.all():
        pixels, sentence = _keep_regions(pixels, inside, len(image.regions))
        removed.append(sentence)
    if not image.regions or inside.mean() >= NEARLY_ALL:
        pixels, sentence = _blank_banner(pixels, image.regions)
        removed.append(sentence)
    if image.frames > 1:
        removed.append(f"Only frame {image.frame + 1} of {image.frames} is sent.")
    remaining = [_overreach(image.regions), LOOK]
    return Desensitised(
        pixels, encode_png(pixels), tuple(removed), tuple(filter(None, remaining))
    )


def _inside(image: DecodedImage) -> NDArray[np.bool_]:
    """Which pixels, (H, W), lie in an ultrasound region of the file."""
    inside = np.zeros(image.pixels.shape[:2], dtype=bool)
    for region in image.regions:
        inside[region.y0 : region.y1, region.x0 : region.x1] = True
    return inside


def _keep_regions(
    pixels: Pixels, inside: NDArray[np.bool_], regions: int
) -> tuple[Pixels, str]:
    """Blank all but the regions."""
    kept = np.where(inside if pixels.ndim == 2 else inside[..., None], pixels, 0)
    count = "ultrasound region" if regions == 1 else f"{regions} ultrasound regions"
    return kept.astype(np.uint8), f"Everything outside the {count} is blanked."


def _blank_banner(pixels: Pixels, regions: tuple[Region, ...]) -> tuple[Pixels, str]:
    """Blank the strip along the top edge."""
    height = banner_height(pixels)
    kept = pixels.copy()
    kept[:height] = 0
    share = round(100 * height / pixels.shape[0])
    reason = (
        "the file's ultrasound regions cover nearly the whole picture"
        if regions
        else "the file marks no ultrasound region"
    )
    return kept, (
        f"The top {share} % of the picture ({height} rows), where scanners write "
        f"names, is blanked, because {reason}."
    )


def _overreach(regions: tuple[Region, ...]) -> str:
    """Warn of regions that were drawn for another size."""
    if not any(region.overreaches for region in regions):
        return ""
    return (
        "The file's ultrasound regions reach beyond the picture and may not fit it: "
        "check that the organ is whole."
    )
