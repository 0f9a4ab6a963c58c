"""The slices of one CT series in the order in which they lie in the patient."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from diagnosis.imaging.errors import ImageRefused
from diagnosis.lung.ct_slice import SliceFacts, read_facts, read_slice
from diagnosis.lung.errors import SeriesRefused
from diagnosis.lung.files import SeriesFile, series_files
from diagnosis.lung.windows import Hounsfield

MOST_TURNED = 1e-3
"""By how much the directions of two slices may differ, in any cosine."""
LEAST_AXIAL = 0.8
"""Cosine between the slices' normal and the body's axis; a tilted gantry has 0.87."""


@dataclass(frozen=True, eq=False)
class Series:
    """Slices of one series, sorted along the patient; one is in memory at a time."""

    slices: Sequence[tuple[SeriesFile, SliceFacts]]

    def __len__(self) -> int:
        return len(self.slices)

    def hounsfield(self) -> Iterator[Hounsfield]:
        """Each slice, (H, W) HU, in order.

        Raises:
            SeriesRefused: a slice is damaged, or is another than it was.
        """
        for file, facts in self.slices:
            with _named(file):
                found, values = read_slice(file.read())
                if found != facts:
                    raise ImageRefused("This file has changed while it was read.")
            yield values


@contextmanager
def opened_series(path: Path) -> Iterator[Series]:
    """Read a series from a folder, a zip or a single file, and sort it.

    Slices are sorted by where they lie along their common normal
    (ImagePositionPatient); where a slice does not say it, by InstanceNumber.

    Raises:
        SeriesRefused: a file is no CT slice, the slices do not belong together, or
            nothing says their order.
    """
    with series_files(path) as files:
        slices = [(file, _facts(file)) for file in files]
        facts = [each for _, each in slices]
        _check_together(facts)
        keys = _keys(facts)
        order = sorted(range(len(slices)), key=lambda at: (keys[at], facts[at].uid))
        yield Series([slices[at] for at in order])


def _facts(file: SeriesFile) -> SliceFacts:
    with _named(file):
        return read_facts(file.read())


@contextmanager
def _named(file: SeriesFile) -> Iterator[None]:
    try:
        yield
    except ImageRefused as refusal:
        raise SeriesRefused(f"{file.name}: {refusal.sentence}") from refusal


def _check_together(facts: Sequence[SliceFacts]) -> None:
    series = len({each.series for each in facts})
    if series > 1:
        raise SeriesRefused(
            f"These slices belong to {series} series; an answer is about one: give each"
            " series for itself."
        )
    if len({each.uid for each in facts}) < len(facts):
        raise SeriesRefused("A slice is there twice: leave the copy out.")
    if len({(each.rows, each.columns) for each in facts}) > 1:
        raise SeriesRefused("The slices of this series have different sizes.")
    directions = [each.directions for each in facts if each.directions]
    if directions:
        _check_directions(np.array(directions))


def _check_directions(directions: "np.typing.NDArray[np.float64]") -> None:
    if np.abs(directions - directions[0]).max() > MOST_TURNED:
        raise SeriesRefused("The slices of this series lie in different directions.")
    if abs(_normal(tuple(directions[0]))[2]) < LEAST_AXIAL:
        raise SeriesRefused(
            "These slices do not lie across the body: a series of axial slices would"
            " do."
        )


def _keys(facts: Sequence[SliceFacts]) -> list[float]:
    """What to sort by: mm along the normal, else the number of the image."""
    if all(each.position and each.directions for each in facts):
        normal = _normal(facts[0].directions or ())
        return [float(np.dot(normal, each.position or ())) for each in facts]
    if len(facts) > 1 and any(each.number is None for each in facts):
        raise SeriesRefused(
            "Nothing says in which order these slices lie: they name neither their place"
            " in the patient nor their number."
        )
    return [float(each.number or 0) for each in facts]


def _normal(directions: Sequence[float]) -> "np.typing.NDArray[np.float64]":
    return np.cross(np.array(directions[:3]), np.array(directions[3:]))
