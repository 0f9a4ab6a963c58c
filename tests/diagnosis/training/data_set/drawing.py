"""Small data sets, drawn on the spot."""

import json
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from PIL import Image

from diagnosis.grading.manifest import CLASSES
from diagnosis.grading.scale import Grade
from diagnosis.training.phantoms import make_phantom

SIDE = 48


def draw_image(path: Path, *, number: int = 0, level: int = 60, side: int = SIDE):
    """A noisy grey square of a mean level, the same for the same arguments."""
    rng = np.random.default_rng(number)
    pixels = rng.normal(level, 12, (side, side)).clip(0, 255).astype(np.uint8)
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)
    return path


def draw_classes(folder: Path, *, per_class: int = 4, classes=("dark", "light")):
    """CLASS/NUMBER.png, told apart by their level."""
    for output, label in enumerate(classes):
        for number in range(per_class):
            draw_image(
                folder / label / f"{number}.png",
                number=100 * output + number,
                level=40 + 130 * output,
            )
    return folder


def draw_masked(folder: Path, *, count: int = 4, side: int = 96, first: int = 0):
    """NUMBER.png with NUMBER_mask.png: phantoms with all three classes."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(first, first + count):
        phantom = make_phantom(Grade.SFU_4, number, size=(4 * side, 4 * side))
        Image.fromarray(phantom.pixels[::4, ::4]).save(folder / f"{number}.png")
        Image.fromarray(phantom.mask[::4, ::4]).save(folder / f"{number}_mask.png")
    return folder


def write_list(path: Path, rows: Iterable[dict[str, str]]):
    """A CSV list of rows that have the same columns."""
    rows = list(rows)
    lines = [",".join(rows[0]), *(",".join(row.values()) for row in rows)]
    path.write_text("\n".join(lines) + "\n")
    return path


def labelme(path: Path, shapes, *, side: int = SIDE):
    """A file as LabelMe writes it; shapes are (label, kind, points)."""
    content = {
        "version": "5.4.1",
        "shapes": [
            {"label": label, "shape_type": kind, "points": points}
            for label, kind, points in shapes
        ],
        "imageHeight": side,
        "imageWidth": side,
    }
    path.write_text(json.dumps(content))
    return path


KIDNEY, FLUID = CLASSES[1], CLASSES[2]
