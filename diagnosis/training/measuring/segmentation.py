"""The figures of a segmenter."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from diagnosis.grading.framing import Pixels
from diagnosis.training.measuring.classification import PER_CLASS, Figures
from diagnosis.training.measuring.predictions import Floats, Numbers

DEFINITIONS = {
    "accuracy": "right pixels ÷ all, pixels of all images pooled",
    "miou": "mean over classes of intersection ÷ union, pixels pooled",
    "mpa": "mean over classes of right pixels ÷ the class's pixels (mean pixel"
    " accuracy), pixels pooled",
    "dice": "mean over classes of 2 × intersection ÷ (truth + answer), pixels pooled",
    "dice_per_image": "mean over the images that show the class",
    "exam_weighted": "each image weighs 1 ÷ (images of its group and label), whatever"
    " its size",
}


@dataclass(frozen=True, eq=False)
class Marked:
    """What a segmenter marked on N images.

    Attributes:
        pixels: (N, K, K) counts: row the truth, column the answer.
        groups: (N,) which patient or exam.
        weights: (N,) how much each image counts.
        classes: the K names, the background first.
    """

    pixels: Floats
    groups: Numbers
    weights: Floats
    classes: tuple[str, ...]

    def by_exam(self) -> "Marked":
        """The same with each image scaled to its weight."""
        scale = self.weights / self.pixels.sum(axis=(1, 2))
        scaled = self.pixels * scale[:, None, None]
        return Marked(scaled, self.groups, self.weights, self.classes)


def count_pixels(truth: Pixels, answer: Pixels, count: int) -> Floats:
    """(K, K) pixels of two masks (H, W): row the truth, column the answer."""
    pairs = truth.astype(np.intp) * count + answer
    counts = np.bincount(pairs.ravel(), minlength=count**2)
    return counts.reshape(count, count).astype(np.float64)


def figures(marked: Marked, numbers: Numbers) -> Figures:
    """Measure some images; definitions are in ``DEFINITIONS``.

    Means are over the classes that occur: in truth or answer for IoU and Dice, in
    truth for MPA.

    Returns:
        Of all classes by name, of one class as "CLASS: NAME"; NaN without a value.
    """
    pixels = marked.pixels[numbers]
    each = _overlaps(pixels.sum(axis=0)) | {
        "dice_per_image": _per_image(pixels, marked, numbers)
    }
    pooled = pixels.sum(axis=0)
    return {
        "accuracy": float(pooled.trace() / pooled.sum()),
        "miou": _mean(each["iou"]),
        "mpa": _mean(each["recall"]),
        "dice": _mean(each["dice"]),
        "dice_without_background": _mean(each["dice"][1:]),
    } | {
        f"{name}{PER_CLASS}{kind}": float(values[number])
        for number, name in enumerate(marked.classes)
        for kind, values in each.items()
    }


def _overlaps(pixels: Floats) -> dict[str, Floats]:
    """IoU, Dice, recall and precision of (…, K, K), each (…, K)."""
    hits = np.diagonal(pixels, axis1=-2, axis2=-1)
    truth, answer = pixels.sum(axis=-1), pixels.sum(axis=-2)
    with np.errstate(invalid="ignore"):
        return {
            "iou": hits / (truth + answer - hits),
            "dice": 2 * hits / (truth + answer),
            "recall": hits / truth,
            "precision": hits / answer,
        }


def _per_image(pixels: Floats, marked: Marked, numbers: Numbers) -> Floats:
    dice = _overlaps(pixels)["dice"]
    shown = pixels.sum(axis=-1) > 0
    weights = marked.weights[numbers][:, None] * shown
    with np.errstate(invalid="ignore"):
        mean: Floats = (np.where(shown, dice, 0) * weights).sum(axis=0) / weights.sum(
            axis=0
        )
    return mean


def _mean(values: Floats | Sequence[float]) -> float:
    known = np.asarray(values)[~np.isnan(values)]
    return float(known.mean()) if len(known) else float("nan")
