"""When a person is asked instead of the networks."""

from enum import StrEnum

import numpy as np

from diagnosis.grading.doubt import Doubt
from diagnosis.grading.framing import Pixels
from diagnosis.grading.manifest import Manifest

COLOURED = 40
"""Levels between a pixel's strongest and weakest channel from which on it has colour."""


class Referral(StrEnum):
    """Why an image was referred to a person; the value is what reports write."""

    NO_KIDNEY = "no kidney"
    QUALITY = "quality"
    SCOPE = "out of scope"
    DOUBT = "doubt"


Refusal = tuple[Referral, str]
"""The kind, with the sentence that names the figure and its threshold."""


def look_at_pixels(pixels: Pixels, grey: Pixels, manifest: Manifest) -> Refusal | None:
    """Refer what no ultrasound looks like, before a network sees it.

    Args:
        pixels: (H, W) or (H, W, 3) uint8, as they came.
        grey: (H, W) uint8, the same as luma.
        manifest: holds the thresholds.
    """
    coloured = colour_share(pixels)
    if coloured > manifest.most_colour:
        return Referral.SCOPE, (
            f"Not graded: {coloured:.0%} of the picture has colour, more than"
            f" {manifest.most_colour:.0%}. The networks know grey ultrasound only."
        )
    levels = contrast(grey)
    if levels < manifest.least_contrast:
        return Referral.QUALITY, (
            f"Not graded: the picture has too little contrast, {levels:.0f} of 255"
            f" levels between dark and light; at least {manifest.least_contrast:.0f}"
            " would do."
        )
    return None


def look_at_mask(mask: Pixels, confidence: float, manifest: Manifest) -> Refusal | None:
    """Refer what shows no kidney.

    Args:
        mask: (H, W) uint8, not 0 on kidney and fluid.
        confidence: mean probability of what it marks.
        manifest: holds the thresholds.
    """
    area, least = float((mask > 0).mean()), manifest.least_area
    if area < least:
        return Referral.NO_KIDNEY, (
            f"No kidney found: {area:.1%} of the frame looks like one, less than"
            f" {least:.1%}."
        )
    if confidence < manifest.least_confidence:
        return Referral.NO_KIDNEY, (
            f"No kidney found: what looks like one is only {confidence:.1%}"
            f" certain, less than {manifest.least_confidence:.1%}."
        )
    return None


def look_at_doubt(doubt: Doubt) -> Refusal | None:
    """Refer what the classifier is not sure of."""
    if doubt.certainty < doubt.least_certainty:
        return Referral.DOUBT, (
            f"Not graded: the likeliest grade is only {doubt.certainty:.1%} certain,"
            f" less than {doubt.least_certainty:.1%}."
        )
    if doubt.agreeing < doubt.least_agreeing:
        return Referral.DOUBT, (
            "Not graded: mirrored and lit otherwise, the picture keeps its grade in"
            f" {doubt.agreeing} of {doubt.views} looks; at least"
            f" {doubt.least_agreeing} must agree."
        )
    return None


def colour_share(pixels: Pixels) -> float:
    """Share of the pixels that have a colour, 0 to 1; 0 in a grey picture."""
    if pixels.ndim == 2:
        return 0.0
    between = pixels.max(axis=2) - pixels.min(axis=2)
    return float((between > COLOURED).mean())


def contrast(grey: Pixels) -> float:
    """Levels between the 5th and the 95th percentile of what is not quite black.

    The ground around the fan, which is 0, says nothing of the picture.
    """
    counts = np.bincount(grey.ravel(), minlength=256)
    counts[0] = 0
    share = counts.cumsum() / max(int(counts.sum()), 1)
    dark, light = np.searchsorted(share, (0.05, 0.95))
    return float(light - dark)
