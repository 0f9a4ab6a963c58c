"""Makes a graded data set out of frames of normal kidneys."""

import csv
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image

from diagnosis.grading.scale import Grade
from diagnosis.training.data_set.pictures import read_picture
from diagnosis.training.data_set.samples import DataSet, Sample
from diagnosis.training.errors import DataSetRefused
from diagnosis.training.grown import FrameRejected, grow

LIST = "list.csv"
COLUMNS = ("path", "label", "mask", "split", "fold", "group")


def grow_frames(data: DataSet, out: Path, *, label: str, seed: int) -> tuple[int, int]:
    """Write every frame of a label once in each grade, with the mask of its fluid.

    The list carries split, fold and group of the frame along, so that what was grown
    into one patient's frame never lies on both sides.

    Args:
        data: frames with labels.
        out: receives ``list.csv`` and, in a folder for each grade, frames and masks.
        label: of the normal kidneys.
        seed: of the first frame; each further one takes the next.

    Returns:
        how many frames were grown into, and how many were not, having no sinus.

    Raises:
        DataSetRefused: no frame has the label, or a file is damaged.
        FileExistsError: ``out`` has a list already.
    """
    normal = [sample for sample in data.samples if sample.label == label]
    if not normal:
        raise DataSetRefused(f"No frame is labelled {label}.")
    for grade in Grade:
        (out / _folder(grade)).mkdir(parents=True, exist_ok=True)
    left_out = 0
    with (out / LIST).open("x", newline="") as file:
        rows = csv.DictWriter(file, COLUMNS)
        rows.writeheader()
        for number, sample in enumerate(normal):
            try:
                for row in _grown(sample, out, number, seed + number):
                    rows.writerow(row)
            except FrameRejected:
                left_out += 1
    return len(normal) - left_out, left_out


def _grown(
    sample: Sample, out: Path, number: int, seed: int
) -> Iterator[dict[str, object]]:
    grey = np.asarray(Image.fromarray(read_picture(sample.path)).convert("L"))
    for grade in Grade:
        made = grow(grey, grade, seed)
        name = f"{_folder(grade)}/{number:06d}"
        Image.fromarray(made.pixels).save(out / f"{name}.png")
        Image.fromarray(np.uint8(255) * made.fluid).save(out / f"{name}_M.png")
        yield {
            "path": f"{name}.png",
            "label": grade.value,
            "mask": f"{name}_M.png",
            "split": sample.split or "",
            "fold": "" if sample.fold is None else sample.fold,
            "group": sample.group,
        }


def _folder(grade: Grade) -> str:
    return grade.name.lower()
