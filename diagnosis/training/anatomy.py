"""The shape of a synthetic kidney, as functions of the plane."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from diagnosis.grading.scale import Grade

Plane = npt.NDArray[np.floating[Any]]
Rng = np.random.Generator


@dataclass(frozen=True)
class Dilation:
    """How far a grade opens the collecting system.

    Lengths are shares of the kidney's half width; depths are shares of the way
    from its centre to its outline.

    Attributes:
        pelvis: radius of the renal pelvis.
        calyces: how many calyces hold fluid.
        calyx: radius of a calyx.
        depth: where the calyces lie.
        limit: how deep fluid may reach; the rest is parenchyma.
        neck: half width of the channel from pelvis to calyx.
    """

    pelvis: tuple[float, float]
    calyces: tuple[int, int]
    calyx: tuple[float, float]
    depth: tuple[float, float]
    limit: tuple[float, float]
    neck: tuple[float, float]


_NONE = (0.0, 0.0)
NORMAL = Dilation(_NONE, (0, 0), _NONE, _NONE, (0.5, 0.5), _NONE)
DILATIONS: dict[Grade, tuple[Dilation, ...]] = {
    Grade.SFU_0_2: (
        NORMAL,
        Dilation((0.08, 0.20), (0, 0), _NONE, _NONE, (0.50, 0.58), _NONE),
        Dilation((0.22, 0.32), (1, 3), (0.07, 0.12), (0.4, 0.5), (0.5, 0.58), (0.02, 0.05)),
    ),
    Grade.SFU_3: (
        Dilation((0.32, 0.46), (6, 9), (0.18, 0.25), (0.48, 0.58), (0.66, 0.74), (0.06, 0.12)),
    ),
    Grade.SFU_4: (
        Dilation((0.44, 0.62), (6, 9), (0.27, 0.37), (0.58, 0.68), (0.85, 0.92), (0.10, 0.22)),
    ),
}  # fmt: skip
_SMOOTHNESS = 0.035  # how far touching cavities flow together, in half widths


@dataclass(frozen=True)
class Fields:
    """What the anatomy says at each point asked for.

    Attributes:
        reach: 0 at the kidney's centre, 1 on its outline.
        fluid: signed distance to fluid in half widths, negative inside.
        angle: direction from the centre, for the pyramids.
    """

    reach: Plane
    fluid: Plane
    angle: Plane


@dataclass(frozen=True)
class Kidney:
    """One kidney, drawn at random and fixed.

    Attributes:
        centre: (x, y) in pixels.
        length: half of the long axis, in pixels.
        aspect: half width ÷ half length.
        tilt: of the long axis, in radians.
        ripples: (amplitude, phase) of the outline's harmonics 2, 3, ….
        hilum: direction of the hilum, in radians.
        notch: depth of the hilum's dent.
        cavities: rows (x0, y0, x1, y1, radius): a disc drawn along a line, in
            half widths.
        limit: how deep fluid may reach.
        pyramids: how many.
    """

    centre: tuple[float, float]
    length: float
    aspect: float
    tilt: float
    ripples: tuple[tuple[float, float], ...]
    hilum: float
    notch: float
    cavities: tuple[tuple[float, float, float, float, float], ...]
    limit: float
    pyramids: int

    def fields(self, x: Plane, y: Plane) -> Fields:
        """Evaluate the anatomy at pixel coordinates of any common shape."""
        cos, sin = np.cos(self.tilt), np.sin(self.tilt)
        dx, dy = x - self.centre[0], y - self.centre[1]
        half = self.length * self.aspect
        along, across = (cos * dx + sin * dy) / half, (cos * dy - sin * dx) / half
        angle = np.arctan2(across, along * self.aspect)
        towards_hilum = np.cos(angle - self.hilum)
        outline = 1 - self.notch * np.exp((towards_hilum - 1) / 0.06)
        for harmonic, (amplitude, phase) in enumerate(self.ripples, start=2):
            outline = outline + amplitude * np.cos(harmonic * angle + phase)
        reach = np.hypot(along * self.aspect, across) / outline
        fluid = self._fluid(along, across, reach, towards_hilum)
        return Fields(
            reach.astype(np.float32),
            fluid.astype(np.float32),
            angle.astype(np.float32),
        )

    def _fluid(
        self, along: Plane, across: Plane, reach: Plane, towards_hilum: Plane
    ) -> Plane:
        """Smooth union of the cavities, held inside the parenchyma.

        At the hilum the pelvis may leave the kidney.
        """
        nearness = np.zeros_like(along)
        for x0, y0, x1, y1, radius in self.cavities:
            distance = _to_segment(along, across, (x0, y0), (x1, y1)) - radius
            nearness += np.exp(np.clip(-distance / _SMOOTHNESS, -40, 40))
        union = -_SMOOTHNESS * np.log(nearness + np.float32(1e-17))
        opening = 0.35 * self.limit * np.exp((towards_hilum - 1) / 0.05)
        fluid: Plane = np.maximum(union, (reach - self.limit - opening) / 1.5)
        return fluid


def _to_segment(
    x: Plane, y: Plane, start: tuple[float, float], end: tuple[float, float]
) -> Plane:
    """Distance of each point from a line segment."""
    dx, dy = end[0] - start[0], end[1] - start[1]
    square = max(dx * dx + dy * dy, 1e-9)
    share = np.clip(((x - start[0]) * dx + (y - start[1]) * dy) / square, 0, 1)
    return np.hypot(x - start[0] - share * dx, y - start[1] - share * dy)


def draw_kidney(
    rng: Rng, grade: Grade, *, centre: tuple[float, float], length: float
) -> Kidney:
    """Draw a kidney of a grade at a place, with a length in pixels."""
    stages = DILATIONS[grade]
    dilation = stages[rng.integers(len(stages))]
    transverse = rng.random() < 0.25
    aspect = rng.uniform(0.68, 0.92) if transverse else rng.uniform(0.42, 0.56)
    if grade is Grade.SFU_4:
        aspect = min(aspect * rng.uniform(1.05, 1.2), 0.95)
    hilum = rng.choice([-1, 1]) * (np.pi / 2 + rng.uniform(-0.4, 0.4))
    return Kidney(
        centre=centre,
        length=length,
        aspect=aspect,
        tilt=rng.uniform(-0.6, 0.6),
        ripples=tuple(
            (rng.uniform(0, 0.05) / harmonic, rng.uniform(0, 2 * np.pi))
            for harmonic in range(1, 5)
        ),
        hilum=hilum,
        notch=rng.uniform(0.08, 0.24),
        cavities=_cavities(rng, dilation, aspect, hilum),
        limit=rng.uniform(*dilation.limit),
        pyramids=int(rng.integers(7, 12)),
    )


def _cavities(
    rng: Rng, dilation: Dilation, aspect: float, hilum: float
) -> tuple[tuple[float, float, float, float, float], ...]:
    """Pelvis first, then a neck with its calyx for each that holds fluid."""
    pelvis = rng.uniform(*dilation.pelvis)
    if not pelvis:
        return ()
    stretch = 1 / aspect  # the long axis in half widths
    offset = rng.uniform(0.05, 0.25)
    px, py = offset * np.cos(hilum) * stretch, offset * np.sin(hilum)
    bar = pelvis * rng.uniform(0.2, 0.6) * (stretch - 1)
    cavities = [(px - bar, py, px + bar, py, pelvis)]
    count = int(rng.integers(dilation.calyces[0], dilation.calyces[1] + 1))
    start = rng.uniform(0, 2 * np.pi)
    if dilation.calyces[0] >= 5:  # all around, but not where the pelvis leaves
        start, spread = hilum + 0.7, 2 * np.pi - 1.4
    else:
        spread = 2 * np.pi
    for index in range(count):
        angle = start + spread * (index + rng.uniform(0.25, 0.75)) / count
        depth = rng.uniform(*dilation.depth)
        cx, cy = depth * np.cos(angle) * stretch, depth * np.sin(angle)
        cavities.append((px, py, cx, cy, rng.uniform(*dilation.neck)))
        cavities.append((cx, cy, cx, cy, rng.uniform(*dilation.calyx)))
    return tuple(
        (float(a), float(b), float(c), float(d), float(r)) for a, b, c, d, r in cavities
    )
