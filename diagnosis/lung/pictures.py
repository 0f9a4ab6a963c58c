"""Labelled CT series as the pictures from which a network is trained."""

import json
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path

from PIL import Image

from diagnosis.lung.errors import SeriesRefused
from diagnosis.lung.files import is_zip
from diagnosis.lung.scale import Finding
from diagnosis.lung.series import opened_series
from diagnosis.lung.windows import TABLE_II, Window, to_channels

WINDOWS = "windows.json"


def write_pictures(data: Path, out: Path, *, tell: Callable[[str], None]) -> None:
    """Turn FINDING/PATIENT, folders or zips, into FINDING/PATIENT/NUMBER.png.

    Each picture shows a slice in the windows of Table II, a channel each, as
    the grader will show it. windows.json beside them says which.

    Args:
        data: with a folder for each finding.
        out: an empty or new folder.
        tell: is given a line for each patient.

    Raises:
        SeriesRefused: a series cannot be read, or there is none; ``out`` is not empty.
    """
    if out.exists() and any(out.iterdir()):
        raise SeriesRefused(
            f"{out} is not empty: old pictures would mix with new ones."
        )
    patients = list(_patients(data))
    if not patients:
        raise SeriesRefused(
            f"There is no series in {data}: put each patient's, a folder or a zip, into"
            f" a folder named {' or '.join(Finding)}."
        )
    out.mkdir(parents=True, exist_ok=True)
    for finding, path in patients:
        tell(f"{finding}/{path.name}: {_write(path, out / finding / path.stem)} slices")
    content = json.dumps([asdict(window) for window in TABLE_II], indent=2)
    (out / WINDOWS).write_text(content + "\n", encoding="utf-8")


def read_windows(folder: Path) -> tuple[Window, ...]:
    """The windows in which a folder's pictures are.

    Raises:
        SeriesRefused: it does not say.
    """
    try:
        fields = json.loads((folder / WINDOWS).read_bytes())
        return tuple(Window(**window) for window in fields)
    except (OSError, ValueError, TypeError) as error:
        raise SeriesRefused(
            f"{folder} does not say in {WINDOWS} in which windows its pictures are:"
            " manage.py window_ct makes pictures that do."
        ) from error


def _patients(data: Path) -> Iterator[tuple[Finding, Path]]:
    for finding in Finding:
        folder = data / finding
        for path in sorted(folder.iterdir()) if folder.is_dir() else ():
            if path.name.startswith("."):
                continue
            if not path.is_dir() and not is_zip(path):
                raise SeriesRefused(f"{path} is neither a folder nor a zip of slices.")
            yield finding, path


def _write(path: Path, folder: Path) -> int:
    if folder.exists():
        raise SeriesRefused(
            f"Two series of {folder.parent.name} are named {folder.name}."
        )
    folder.mkdir(parents=True)
    with opened_series(path) as series:
        for number, values in enumerate(series.hounsfield(), start=1):
            picture = Image.fromarray(to_channels(values, TABLE_II))
            picture.save(folder / f"{number:04}.png")
        return len(series)
