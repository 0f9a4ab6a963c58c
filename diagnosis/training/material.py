"""What networks learn from, and how much of it an epoch draws."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from diagnosis.grading.framing import Letterbox, Pixels
from diagnosis.training.data_set.samples import at_most

Floats = npt.NDArray[np.float32]
Flags = npt.NDArray[np.bool_]
Numbers = npt.NDArray[np.integer]


@dataclass(frozen=True, eq=False)
class Material:
    """N frames, of whatever kind.

    Attributes:
        frames: each (H, W) uint8, grey.
        masks: each (H, W) uint8: 0 background, 1 kidney, 2 fluid.
        outlined: (N,) whether the kidney is known; else a mask's 0 is background or
            kidney, nobody said which.
        grades: (N, 3) how probable each grade is; a row of NaN where the frame says
            nothing of it.
        exams: (N,) frames that resemble each other share a number.
        per_exam: (N,) how many frames of its exam an epoch draws, at most.
    """

    frames: Sequence[Pixels]
    masks: Sequence[Pixels]
    outlined: Flags
    grades: Floats
    exams: Numbers
    per_exam: Numbers

    def __len__(self) -> int:
        return len(self.frames)

    @property
    def graded(self) -> "Material":
        """The frames that say something of a grade."""
        return self.of(np.flatnonzero(~np.isnan(self.grades[:, 0])))

    @property
    def shares(self) -> Floats:
        """(N,) the share of each frame that is fluid."""
        return np.array([(mask == 2).mean() for mask in self.masks], dtype=np.float32)

    def of(self, numbers: Numbers) -> "Material":
        """Some of them."""
        return Material(
            [self.frames[number] for number in numbers],
            [self.masks[number] for number in numbers],
            self.outlined[numbers],
            self.grades[numbers],
            self.exams[numbers],
            self.per_exam[numbers],
        )

    def draw(self, rng: np.random.Generator) -> Numbers:
        """The numbers of an epoch in the order of their use, each exam's drawn anew."""
        return np.array(
            at_most(
                rng.permutation(len(self)).tolist(),
                exam_of=lambda number: int(self.exams[number]),
                most_of=lambda number: int(self.per_exam[number]),
            ),
            dtype=int,
        )


def join(kinds: Sequence[Material]) -> Material:
    """All kinds as one; exams of two kinds stay two."""
    starts = np.cumsum([0, *(kind.exams.max(initial=-1) + 1 for kind in kinds)])
    exams = [kind.exams + start for kind, start in zip(kinds, starts, strict=False)]
    return Material(
        [frame for kind in kinds for frame in kind.frames],
        [mask for kind in kinds for mask in kind.masks],
        np.concatenate([kind.outlined for kind in kinds]),
        np.concatenate([kind.grades for kind in kinds]),
        np.concatenate(exams),
        np.concatenate([kind.per_exam for kind in kinds]),
    )


def squared(material: Material, size: int) -> tuple[Pixels, Pixels]:
    """Frames and masks as the segmenter sees them, (N, size, size) uint8 each."""
    frames = np.zeros((len(material), size, size), dtype=np.uint8)
    masks = np.zeros_like(frames)
    for number, (frame, mask) in enumerate(
        zip(material.frames, material.masks, strict=True)
    ):
        box = Letterbox.of(frame.shape, (size, size))
        frames[number] = box.place(frame)
        masks[number] = box.place(mask, nearest=True)
    return frames, masks
