"""What a pair of networks reaches on frames that it has not seen."""

from dataclasses import dataclass

import numpy as np

from diagnosis.grading.pipeline import Grader
from diagnosis.grading.scale import Grade
from diagnosis.training.dataset import PhantomSet

ANSWERS: tuple[Grade | None, ...] = (*Grade, None)


@dataclass(frozen=True)
class Figures:
    """Measured through the whole pipeline.

    Attributes:
        dice: of background, kidney and fluid, pixels of all frames pooled.
        confusion: (4, 4) frames; row the truth, column the answer, both in the
            order SFU 0-2, SFU 3, SFU 4, no kidney.
    """

    dice: tuple[float, float, float]
    confusion: tuple[tuple[int, ...], ...]

    @property
    def graded(self) -> int:
        """Frames that show a kidney."""
        return sum(sum(row) for row in self.confusion[:-1])

    @property
    def accuracy(self) -> float:
        """Share of the frames with a kidney that got their grade."""
        right = sum(self.confusion[index][index] for index in range(len(Grade)))
        return right / max(self.graded, 1)

    @property
    def empty(self) -> tuple[int, int]:
        """Frames without a kidney: recognised as such, all."""
        return self.confusion[-1][-1], sum(self.confusion[-1])


def measure(grader: Grader, held_out: PhantomSet) -> Figures:
    """Grade every frame, then compare with the truth."""
    pixels = np.zeros((len(Grade), len(Grade)), dtype=np.int64)
    confusion = np.zeros((len(ANSWERS), len(ANSWERS)), dtype=np.int64)
    for frame, mask, grade in zip(
        held_out.frames, held_out.masks, held_out.grades, strict=True
    ):
        report = grader.grade(frame)
        pairs = np.bincount(
            (mask.astype(np.intp) * 3 + report.mask).ravel(), minlength=9
        )
        pixels += pairs.reshape(3, 3)
        confusion[ANSWERS.index(grade), ANSWERS.index(report.grade)] += 1
    both = pixels.sum(axis=0) + pixels.sum(axis=1)
    dice = 2 * pixels.diagonal() / np.maximum(both, 1)
    return Figures(
        (float(dice[0]), float(dice[1]), float(dice[2])),
        tuple(tuple(int(count) for count in row) for row in confusion),
    )
