"""Phantoms in numbers, made once."""

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context

import numpy as np
import numpy.typing as npt

from diagnosis.grading.scale import Grade
from diagnosis.training.phantoms import Phantom, make_phantom

Tell = Callable[[str], None]
FEW = 32  # below this, starting processes takes longer than they save
HELD_OUT = 1_000_000  # seeds from here on are never trained on


@dataclass(frozen=True)
class PhantomSet:
    """Frames that belong together, the grades in turn.

    Attributes:
        frames: (N, 768, 1024) uint8.
        masks: the same shape: 0 background, 1 kidney, 2 fluid.
        grades: of each frame; None where there is no kidney.
    """

    frames: npt.NDArray[np.uint8]
    masks: npt.NDArray[np.uint8]
    grades: tuple[Grade | None, ...]

    def __len__(self) -> int:
        return len(self.grades)

    @property
    def graded(self) -> npt.NDArray[np.intp]:
        """Indices of the frames that show a kidney."""
        return np.flatnonzero([grade is not None for grade in self.grades])


def make_set(
    *, per_grade: int, without: int, first_seed: int, tell: Tell
) -> PhantomSet:
    """Draw frames on all cores; the same arguments give the same set.

    Args:
        per_grade: frames of each grade.
        without: frames without a kidney.
        first_seed: of the first frame of each kind; the others follow it.
        tell: is given a line of progress now and then.
    """
    kinds: list[tuple[Grade | None, int]] = [
        (grade, first_seed + number) for number in range(per_grade) for grade in Grade
    ]
    kinds += [(None, first_seed + number) for number in range(without)]
    phantoms = list(_count(_draw(kinds), len(kinds), tell))
    return PhantomSet(
        frames=np.stack([phantom.pixels for phantom in phantoms]),
        masks=np.stack([phantom.mask for phantom in phantoms]),
        grades=tuple(phantom.grade for phantom in phantoms),
    )


def _draw(kinds: Sequence[tuple[Grade | None, int]]) -> Iterator[Phantom]:
    """In the order asked for."""
    grades, seeds = zip(*kinds, strict=True)
    if len(kinds) < FEW:
        yield from map(make_phantom, grades, seeds)
        return
    # Spawned, not forked: torch's threads do not survive a fork.
    with ProcessPoolExecutor(os.cpu_count(), mp_context=get_context("spawn")) as pool:
        yield from pool.map(make_phantom, grades, seeds, chunksize=8)


def _count(phantoms: Iterator[Phantom], total: int, tell: Tell) -> Iterator[Phantom]:
    for number, phantom in enumerate(phantoms, start=1):
        if number % 100 == 0 or number == total:
            tell(f"phantoms {number}/{total}")
        yield phantom
