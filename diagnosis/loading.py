"""Loads weights as this site runs them."""

from pathlib import Path

from django.conf import settings

from diagnosis.grading.choosing import choose
from diagnosis.grading.framing import Pixels
from diagnosis.grading.keeping import kept_or_made
from diagnosis.grading.machine import best_device
from diagnosis.grading.pipeline import Grader
from diagnosis.grading.scale import Grade
from diagnosis.training.dataset import HELD_OUT
from diagnosis.training.phantoms import make_phantom


def load_grader(folder: Path) -> Grader:
    """Load weights on the best device, with the backend that is set or fastest.

    Never before a fork: an accelerator does not survive one. Without a setting, and
    before anything was measured on this machine, it takes some seconds more.

    Raises:
        GradingError: the weights do not fit, or the backend that is set cannot run.
    """
    device, cache = best_device(), settings.INFERENCE_CACHE
    name = settings.GRADING_BACKEND
    if not name:
        name = kept_or_made(
            cache,
            folder,
            device,
            lambda: choose(folder, sample_frames(), device=device, cache=cache),
        ).backend
    return Grader.load(folder, backend=name, device=device, cache=cache)


def sample_frames() -> list[Pixels]:
    """Synthetic frames that no training saw: one of each grade, one of none."""
    answers: tuple[Grade | None, ...] = (*Grade, None)
    return [make_phantom(grade, HELD_OUT + 900).pixels for grade in answers]
