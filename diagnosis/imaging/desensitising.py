"""Desensitising of an image before it leaves the hospital."""

from dataclasses import dataclass

import numpy as np

from diagnosis.imaging.banner import banner_height
from diagnosis.imaging.image import DecodedImage, Pixels, Region
from diagnosis.imaging.png import encode_png

DROPPED = {
    "dicom": "Every DICOM field is left out: names, numbers, dates, institution, device.",
    "jpeg": "EXIF, comments and every other note in the JPEG file are left out.",
    "png": "Text, EXIF and every other note in the PNG file are left out.",
}

LOOK = "Writing elsewhere in the picture is not found: look at it before you send it."


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
    is everything outside the file's ultrasound regions or, where it has none or
    they leave nothing out, the banner along the top edge.
    """
    pixels, blanked = _keep_regions(image.pixels, image.regions)
    if not blanked:
        pixels, blanked = _blank_banner(image.pixels, image.regions)
    removed = [DROPPED[image.format], blanked]
    if image.frames > 1:
        removed.append(f"Only frame {image.frame + 1} of {image.frames} is sent.")
    remaining = [_overreach(image.regions), LOOK]
    return Desensitised(
        pixels, encode_png(pixels), tuple(removed), tuple(filter(None, remaining))
    )


def _keep_regions(pixels: Pixels, regions: tuple[Region, ...]) -> tuple[Pixels, str]:
    """Blank all but the regions; the sentence is empty if that blanks nothing."""
    inside = np.zeros(pixels.shape[:2], dtype=bool)
    for region in regions:
        inside[region.y0 : region.y1, region.x0 : region.x1] = True
    if not regions or inside.all():
        return pixels, ""
    kept = np.where(inside if pixels.ndim == 2 else inside[..., None], pixels, 0)
    count = f"{len(regions)} ultrasound region" + "s" * (len(regions) > 1)
    return kept.astype(np.uint8), f"Everything outside the {count} is blanked."


def _blank_banner(pixels: Pixels, regions: tuple[Region, ...]) -> tuple[Pixels, str]:
    """Blank the strip along the top edge."""
    height = banner_height(pixels)
    kept = pixels.copy()
    kept[:height] = 0
    share = round(100 * height / pixels.shape[0])
    reason = (
        "the file's ultrasound regions cover the whole picture"
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
