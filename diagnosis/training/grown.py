"""Hydronephrosis grown into real frames of normal kidneys: real texture, exact fluid.

Nobody has graded public frames, and phantoms alone do not teach a network what real
tissue looks like. So fluid of a known grade is put where a normal kidney has its sinus.
"""

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy.ndimage import gaussian_filter

from diagnosis.grading.scale import Grade
from diagnosis.training.anatomy import Kidney, draw_kidney

Bytes = npt.NDArray[np.uint8]
Mask = npt.NDArray[np.bool_]
Plane = npt.NDArray[np.float32]

SMALLEST = 64  # pixels along a side, below which no calyx has a shape
EDGE = (2.0, 5.0)  # pixels over which a wall goes from tissue to fluid
WOBBLE = (0.8, 2.2)  # pixels by which a wall is not smooth …
LUMP = 4.0  # … over so many along it
LEFT = (0.08, 0.35)  # of the echoes, in fluid: noise, side lobes, the slice's thickness
RIM = 3.0  # pixels of brighter wall around it
ENHANCED = 0.35  # brighter by so much behind fluid as thick as the kidney
SINUS = 0.06  # of the side: the width over which echoes are gathered


class FrameRejected(ValueError):
    """No hydronephrosis can be grown into this frame."""


@dataclass(frozen=True)
class Grown:
    """A real frame with fluid in it.

    Attributes:
        pixels: (H, W) uint8.
        fluid: (H, W) bool, exact: both come from the same function of the plane.
        grade: by construction.
    """

    pixels: Bytes
    fluid: Mask
    grade: Grade


def grow(frame: Bytes, grade: Grade, seed: int) -> Grown:
    """Put the fluid of a grade into the sinus of a normal kidney.

    The kidney's place is taken from the frame: the echoes of the sinus are the brightest
    ones near the middle. Its outline is not known, and not said.

    Args:
        frame: (H, W) uint8, grey, a normal kidney that fills most of it.
        grade: the severity to build.
        seed: not negative; the same frame, grade and seed give the same result.

    Raises:
        FrameRejected: too small, or without any contrast.
    """
    if min(frame.shape) < SMALLEST:
        raise FrameRejected(f"A frame has at least {SMALLEST} × {SMALLEST} pixels.")
    rng = np.random.default_rng([seed, 1 + grade.output])
    kidney = _kidney_of(frame, grade, rng)
    y, x = np.mgrid[: frame.shape[0], : frame.shape[1]].astype(np.float32)
    depth = kidney.fields(x, y).fluid * np.float32(kidney.length * kidney.aspect)
    depth += np.float32(rng.uniform(*WOBBLE)) * _lumps(rng, frame.shape)
    fluid = (depth < 0) & (frame > 0)  # nothing grows outside the sector
    pixels = _painted(rng, frame.astype(np.float32), depth, fluid, kidney)
    return Grown(np.clip(pixels, 0, 255).astype(np.uint8), fluid, grade)


def _kidney_of(frame: Bytes, grade: Grade, rng: np.random.Generator) -> Kidney:
    """A kidney of the grade where the frame's own has its sinus, and along it."""
    rows, columns = frame.shape
    side = min(rows, columns)
    echoes = gaussian_filter(frame.astype(np.float32), SINUS * side)
    y, x = np.mgrid[:rows, :columns].astype(np.float32)
    away = np.hypot((x - columns / 2) / columns, (y - rows / 2) / rows)
    weight = np.maximum(echoes - np.percentile(echoes[away < 0.3], 70), 0)
    weight *= np.exp(-((away / 0.18) ** 2)).astype(np.float32)
    total = float(weight.sum())
    if total <= 0:
        raise FrameRejected("The frame has no echoes that could be a kidney's sinus.")
    centre = float((weight * x).sum()) / total, float((weight * y).sum()) / total
    dx, dy = x - centre[0], y - centre[1]
    tilt = 0.5 * np.arctan2(
        2 * float((weight * dx * dy).sum()),
        float((weight * (dx**2 - dy**2)).sum()),
    )
    length = float(rng.uniform(0.28, 0.4)) * side
    drawn = draw_kidney(rng, grade, centre=centre, length=length)
    return replace(drawn, tilt=float(tilt + rng.normal(0, 0.1)))


def _painted(
    rng: np.random.Generator, frame: Plane, depth: Plane, fluid: Mask, kidney: Kidney
) -> Plane:
    """Fluid without echoes, its wall brighter, what lies behind it brighter, too."""
    behind = np.cumsum(fluid, axis=0) / (2 * kidney.length * kidney.aspect)
    fading = np.exp(-np.maximum(depth, 0) / (0.6 * kidney.length))
    tissue = frame * (1 + ENHANCED * np.minimum(behind, 1) * fading)
    rim = np.exp(-(((depth - RIM) / RIM) ** 2)) * (frame > 0)
    tissue = tissue * (1 + rng.uniform(0.05, 0.25) * rim)
    # The real speckle stays, far weaker.
    clear = rng.uniform(*LEFT) * (frame + gaussian_filter(frame, 2)) / 2
    edge = rng.uniform(*EDGE)
    share = 1 / (1 + np.exp(np.clip(4 * depth / edge, -40, 40)))
    share = np.where(frame > 0, share, 0)
    painted: Plane = (tissue * (1 - share) + clear * share).astype(np.float32)
    return painted


def _lumps(rng: np.random.Generator, shape: tuple[int, ...]) -> Plane:
    """Smooth noise of unit spread."""
    noise = gaussian_filter(rng.standard_normal(shape, dtype=np.float32), LUMP)
    lumps: Plane = noise / noise.std()
    return lumps
