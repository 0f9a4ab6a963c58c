"""Synthetic kidney ultrasound with exact masks, the same for the same seed."""

import io
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image

from diagnosis.grading.scale import Grade
from diagnosis.training.anatomy import Kidney, draw_kidney
from diagnosis.training.tissue import (
    SCENES,
    add_vessels,
    paint_kidney,
    shadows,
    surroundings,
)
from diagnosis.training.ultrasound import (
    Plane,
    Sector,
    compress,
    draw_sector,
    inside_sector,
    scan_convert,
    speckle,
)

Rng = np.random.Generator
Bytes = npt.NDArray[np.uint8]

SIZE = (768, 1024)
BACKGROUND, KIDNEY, FLUID = 0, 1, 2


@dataclass(frozen=True)
class Phantom:
    """One synthetic frame.

    Attributes:
        pixels: (H, W) uint8.
        mask: (H, W) uint8: 0 background, 1 kidney, 2 hydronephrotic area. Exact:
            both come from the same functions of the plane.
        grade: by construction; None where there is no kidney.
    """

    pixels: Bytes
    mask: Bytes
    grade: Grade | None


def make_phantom(
    grade: Grade | None, seed: int, *, size: tuple[int, int] = SIZE
) -> Phantom:
    """Draw a frame of a grade, or without a kidney.

    Args:
        grade: the severity to build; None for a frame without a kidney.
        seed: not negative; the same grade, seed and size give the same frame.
        size: (rows, columns) in pixels.
    """
    rng = np.random.default_rng([seed, 0 if grade is None else 1 + grade.output])
    sector = draw_sector(rng, size)
    if grade is None:
        return Phantom(_without_kidney(rng, sector), np.zeros(size, np.uint8), None)
    centre = sector.point(rng.uniform(0.36, 0.6), rng.uniform(-0.35, 0.35))
    length = rng.uniform(0.26, 0.42) * (sector.far - sector.near)
    kidney = draw_kidney(rng, grade, centre=centre, length=length)
    x, y = sector.beams()
    fields = kidney.fields(x, y)
    echo = add_vessels(rng, sector, x, y, surroundings(rng, sector, x, y))
    echo = paint_kidney(rng, kidney, fields, echo)
    frame = _machine(rng, sector, shadows(rng, echo, fields.fluid))
    return Phantom(frame, _mask(kidney, sector), grade)


def sample_image(grade: Grade | None, seed: int) -> bytes:
    """A frame as a PNG file, for demonstrations."""
    out = io.BytesIO()
    Image.fromarray(make_phantom(grade, seed).pixels).save(out, format="PNG")
    return out.getvalue()


def _mask(kidney: Kidney, sector: Sector) -> Bytes:
    """The anatomy at every pixel that the probe sees."""
    rows, columns = sector.size
    y, x = np.mgrid[:rows, :columns].astype(np.float32)
    near = np.hypot(x - kidney.centre[0], y - kidney.centre[1]) < 1.3 * kidney.length
    near &= inside_sector(*sector.places())
    fields = kidney.fields(x[near], y[near])
    labels = np.where(fields.reach < 1, KIDNEY, BACKGROUND)
    mask = np.zeros(sector.size, dtype=np.uint8)
    mask[near] = np.where(fields.fluid < 0, FLUID, labels)
    return mask


def _without_kidney(rng: Rng, sector: Sector) -> Bytes:
    """Another organ, hardly any contact, or no ultrasound at all."""
    if rng.random() < 0.12:
        return _no_ultrasound(rng, sector.size)
    x, y = sector.beams()
    echo = surroundings(rng, sector, x, y)
    scene = SCENES[rng.integers(len(SCENES))]
    echo = add_vessels(rng, sector, x, y, scene(rng, sector, x, y, echo))
    return _machine(rng, sector, shadows(rng, echo, echo + 15))


def _no_ultrasound(rng: Rng, size: tuple[int, int]) -> Bytes:
    """Flat grey, noise, or a ramp."""
    level, spread = rng.uniform(0, 255), rng.choice([0, 8, 60])
    ramp = np.linspace(-1, 1, size[1])[None, :] * rng.choice([0, 90])
    frame = level + ramp + spread * rng.standard_normal(size, dtype=np.float32)
    out: Bytes = np.clip(frame, 0, 255).astype(np.uint8)
    return out


def _machine(rng: Rng, sector: Sector, echo: Plane) -> Bytes:
    """Speckle, compression, scan conversion, and the marks on the screen."""
    axial, lateral = rng.uniform(0.7, 1.6), rng.uniform(0.9, 2.2)
    samples = speckle(rng, echo.astype(np.float32), axial=axial, lateral=lateral)
    grey = compress(
        samples, gain=rng.uniform(22, 42), dynamic_range=rng.uniform(45, 72)
    )
    grey **= rng.uniform(0.8, 1.4)
    frame = scan_convert(sector, grey) * rng.uniform(0.7, 1.0)
    if rng.random() < 0.6:
        _draw_marks(rng, frame)
    noise = rng.uniform(0, 3) * rng.standard_normal(frame.shape, dtype=np.float32)
    out: Bytes = np.clip(frame * 255 + noise * (frame > 0), 0, 255).astype(np.uint8)
    return out


def _draw_marks(rng: Rng, frame: Plane) -> None:
    """A grey bar at one edge, ticks of depth at the other, something like words."""
    rows, columns = frame.shape
    left, right = int(0.02 * columns), int(0.97 * columns)
    top, bottom = int(rng.uniform(0.1, 0.3) * rows), int(rng.uniform(0.5, 0.9) * rows)
    bar = np.linspace(1, 0, bottom - top, dtype=np.float32)[:, None]
    frame[top:bottom, left : left + columns // 80] = bar
    frame[:: rows // int(rng.integers(8, 20)), right : right + columns // 100] = 0.7
    for _ in range(rng.integers(0, 6)):
        height, letters = int(rng.integers(8, 22)), int(rng.integers(3, 14))
        row = int(rng.integers(0, rows - height))
        column = int(rng.integers(0, columns - letters * height))
        strokes = rng.random((5, letters * 5)) < 0.55
        strokes[:, ::5] = False
        word = np.kron(strokes, np.ones((height // 5, height // 5)))
        place = frame[row : row + word.shape[0], column : column + word.shape[1]]
        place[word > 0] = rng.uniform(0.5, 1)
