"""Which backend is the fastest of those that change no grade."""

import statistics
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch

from diagnosis.grading.backends.registry import QUICK, REFERENCE
from diagnosis.grading.errors import BackendUnavailable
from diagnosis.grading.framing import Pixels
from diagnosis.grading.pipeline import Grader
from diagnosis.grading.report import GradeReport

ROUNDS = 3
MOST_SHIFT = 0.01
"""How far a backend may move a probability."""
MOST_MOVED = 0.002
"""The share of a frame's pixels that a backend may mark otherwise."""


@dataclass(frozen=True)
class Measured:
    """One backend beside the reference.

    Attributes:
        backend: its name.
        milliseconds: of a frame, the median; None where it cannot be used here.
        grades_changed: frames with another grade, or with one where there was none.
        shift: the largest change of a probability.
        moved: the largest share of a frame's pixels that are marked otherwise.
        obstacle: why it cannot be used here, a sentence; empty where it can.
    """

    backend: str
    milliseconds: float | None = None
    grades_changed: int = 0
    shift: float = 0.0
    moved: float = 0.0
    obstacle: str = ""

    @property
    def agrees(self) -> bool:
        """Whether it may stand in for the reference."""
        return (
            self.milliseconds is not None
            and not self.grades_changed
            and self.shift <= MOST_SHIFT
            and self.moved <= MOST_MOVED
        )


@dataclass(frozen=True)
class Choice:
    """What was measured, with the backend that follows from it."""

    measured: tuple[Measured, ...]

    @property
    def backend(self) -> str:
        """The fastest that agrees; the reference always agrees with itself."""
        fit = (row for row in self.measured if row.agrees)
        return min(fit, key=lambda row: row.milliseconds or 0.0).backend


def choose(
    folder: Path,
    frames: Sequence[Pixels],
    *,
    device: torch.device,
    cache: Path | None = None,
    names: Iterable[str] = QUICK,
    rounds: int = ROUNDS,
) -> Choice:
    """Grade the same frames with every backend, turn by turn.

    Args:
        folder: the weights.
        frames: at least one; with kidneys of all grades the answer means most.
        device: where the networks run.
        cache: as for ``Grader.load``.
        names: of the backends; the reference is always among them.
        rounds: times each backend grades each frame after the first time.

    Raises:
        WeightsRejected: the folder holds no pair of networks.
        PixelsRejected: one of the frames is none.
    """
    graders: dict[str, Grader] = {}
    obstacles: dict[str, str] = {}
    for name in dict.fromkeys((REFERENCE, *names)):
        try:
            graders[name] = Grader.load(
                folder, backend=name, device=device, cache=cache
            )
        except BackendUnavailable as error:
            obstacles[name] = str(error)
    return compare(graders, frames, rounds=rounds, obstacles=obstacles)


def compare(
    graders: Mapping[str, Grader],
    frames: Sequence[Pixels],
    *,
    rounds: int = ROUNDS,
    obstacles: Mapping[str, str] | None = None,
) -> Choice:
    """Measure graders that are loaded already, the reference among them."""
    reports = {
        name: [grader.grade(frame) for frame in frames]
        for name, grader in graders.items()
    }
    taken = _times(graders, frames, rounds)
    rows = [
        _measured(name, reports[name], reports[REFERENCE], taken[name])
        for name in graders
    ]
    rows += [Measured(name, obstacle=why) for name, why in (obstacles or {}).items()]
    return Choice(tuple(rows))


def _times(
    graders: Mapping[str, Grader], frames: Sequence[Pixels], rounds: int
) -> dict[str, float]:
    """Median milliseconds; in turns, so that a busy moment hits all alike."""
    taken: dict[str, list[float]] = {name: [] for name in graders}
    for _ in range(rounds):
        for frame in frames:
            for name, grader in graders.items():
                taken[name].append(_milliseconds(partial(grader.grade, frame)))
    return {name: statistics.median(times) for name, times in taken.items()}


def _milliseconds(call: Callable[[], object]) -> float:
    begin = time.perf_counter()
    call()
    return 1e3 * (time.perf_counter() - begin)


def _measured(
    name: str,
    reports: Sequence[GradeReport],
    references: Sequence[GradeReport],
    milliseconds: float,
) -> Measured:
    pairs = list(zip(reports, references, strict=True))
    return Measured(
        backend=name,
        milliseconds=milliseconds,
        grades_changed=sum(ours.grade is not theirs.grade for ours, theirs in pairs),
        shift=max(_shift(ours, theirs) for ours, theirs in pairs),
        moved=max(float(np.mean(ours.mask != theirs.mask)) for ours, theirs in pairs),
    )


def _shift(ours: GradeReport, theirs: GradeReport) -> float:
    """The largest change of a probability; 0 where one report has none."""
    if ours.probabilities is None or theirs.probabilities is None:
        return 0.0
    return max(
        abs(share - theirs.probabilities[grade])
        for grade, share in ours.probabilities.items()
    )
