"""What a data set consists of."""

from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from pathlib import Path

SPLITS = ("train", "val", "test")


@dataclass(frozen=True)
class Sample:
    """One image with what is known of it.

    Attributes:
        path: of the image.
        label: its class; None where only the mask says something.
        mask: an image or a LabelMe file that outlines the classes.
        split: train, val or test; None until somebody splits.
        group: the patient or exam. Two samples of a group resemble each other, so
            no group may be in two splits.
        fold: for cross-validation, from 0.
    """

    path: Path
    label: str | None
    mask: Path | None
    split: str | None
    group: str
    fold: int | None = None


@dataclass(frozen=True)
class DataSet:
    """Samples, in splits where somebody wants to learn from them.

    Attributes:
        classes: what the network's outputs or the mask's values mean, in order.
        samples: in the order of their paths or rows.
    """

    classes: tuple[str, ...]
    samples: tuple[Sample, ...]

    def of(self, split: str) -> tuple[Sample, ...]:
        """The samples of one split."""
        return tuple(sample for sample in self.samples if sample.split == split)


def at_most(
    order: Sequence[int],
    *,
    exam_of: Callable[[int], Hashable],
    most_of: Callable[[int], int],
) -> list[int]:
    """The numbers in their order, of each exam no more than it may give."""
    seen: Counter[Hashable] = Counter()
    chosen = []
    for number in order:
        exam = exam_of(number)
        seen[exam] += 1
        if seen[exam] <= most_of(number):
            chosen.append(number)
    return chosen


def exam_weights(samples: Sequence[Sample]) -> list[float]:
    """Weigh each sample 1 ÷ (samples of its group and label).

    So every exam counts the same, however many frames were kept of it.
    """
    counts = Counter((sample.group, sample.label) for sample in samples)
    return [1 / counts[sample.group, sample.label] for sample in samples]
