"""What echoes around a kidney, or where there is none."""

from collections.abc import Callable

import numpy as np

from diagnosis.training.anatomy import Fields, Kidney
from diagnosis.training.ultrasound import SILENCE, Plane, Sector

Rng = np.random.Generator


def clouds(rng: Rng, x: Plane, y: Plane, *, size: float, waves: int = 7) -> Plane:
    """A smooth random field of unit deviation; ``size`` is its grain in pixels."""
    total = np.zeros_like(x)
    for _ in range(waves):
        angle, phase = rng.uniform(0, 2 * np.pi, 2)
        pitch = rng.uniform(0.6, 1.8) / size
        total += np.cos((x * np.cos(angle) + y * np.sin(angle)) * pitch + phase)
    return total * np.float32(np.sqrt(2 / waves))


def blob(
    rng: Rng, x: Plane, y: Plane, *, centre: tuple[float, float], radius: float
) -> Plane:
    """Reach of a random ellipse: below 1 inside, 1 on its edge."""
    tilt, aspect = rng.uniform(0, np.pi), rng.uniform(0.35, 1)
    dx, dy = (x - centre[0]) / radius, (y - centre[1]) / radius
    along = np.cos(tilt) * dx + np.sin(tilt) * dy
    across = (np.cos(tilt) * dy - np.sin(tilt) * dx) / aspect
    wobble = 1 + 0.1 * np.cos(3 * np.arctan2(across, along) + tilt)
    reach: Plane = (np.hypot(along, across) / wobble).astype(np.float32)
    return reach


def surroundings(rng: Rng, sector: Sector, x: Plane, y: Plane) -> Plane:
    """Echo in dB of organs, fat and muscle, with layers under the skin."""
    rows = sector.size[0]
    echo = rng.uniform(-4, 4) + rng.uniform(1, 4) * clouds(rng, x, y, size=rows * 0.12)
    echo += rng.uniform(0.5, 3) * clouds(rng, x, y, size=rows * 0.03)
    depth = np.linspace(0, 1, x.shape[0], dtype=np.float32)[:, None]
    layers = rng.uniform(0.05, 0.22)
    pitch = rng.uniform(60, 160)
    wave = np.cos(depth * pitch + clouds(rng, x, y, size=rows * 0.3))
    echo += rng.uniform(2, 8) * wave * np.exp(-((depth / layers) ** 4))
    for _ in range(rng.integers(0, 5)):  # fasciae: bright bent lines
        at = rng.uniform(0.15, 0.95) + 0.06 * clouds(rng, x, y, size=rows * 0.5)
        echo += rng.uniform(4, 12) * np.exp(-(((depth - at) / 0.006) ** 2))
    return echo


def add_vessels(rng: Rng, sector: Sector, x: Plane, y: Plane, echo: Plane) -> Plane:
    """Dark round or long holes, some with a bright wall."""
    for _ in range(rng.integers(0, 4)):
        centre = sector.point(rng.uniform(0.2, 0.95), rng.uniform(-0.9, 0.9))
        radius = rng.uniform(0.012, 0.05) * sector.size[0]
        reach = blob(rng, x, y, centre=centre, radius=radius)
        wall = rng.uniform(0, 8) * np.exp(-(((reach - 1.15) / 0.12) ** 2))
        echo = np.where(reach < 1, rng.uniform(-45, -20), echo + wall)
    return echo


def paint_kidney(rng: Rng, kidney: Kidney, fields: Fields, echo: Plane) -> Plane:
    """Lay cortex, pyramids, sinus, fluid and capsule over the surroundings."""
    reach, fluid = fields.reach, fields.fluid
    mean = float(np.median(echo))
    cortex = mean + rng.uniform(-12, -3)
    inner = kidney.limit if kidney.limit > 0.6 else rng.uniform(0.45, 0.55)
    echo = np.where(reach < 1, cortex + 0.3 * (echo - mean), echo)
    between = np.exp(-(((reach - (inner + 1) / 2) / (0.22 * (1 - inner) + 0.05)) ** 2))
    wedge = np.clip(np.cos(kidney.pyramids * fields.angle) * 2, 0, 1)
    echo = echo - rng.uniform(0, 9) * wedge * between * (reach < 1)
    sinus = 1 / (1 + np.exp(np.clip((reach - inner * 0.92) / 0.04, -30, 30)))
    echo = echo + rng.uniform(6, 13) * sinus * (reach < 1)
    echo = echo + rng.uniform(3, 10) * np.exp(-(((reach - 1) / 0.025) ** 2))
    echo = echo + rng.uniform(0, 7) * np.exp(-((fluid / 0.03) ** 2))
    haze = rng.uniform(SILENCE, -22) + 3 * np.clip(-fluid, 0, 0.3)
    return np.where(fluid < 0, haze, echo)


def _bladder(rng: Rng, sector: Sector, x: Plane, y: Plane, echo: Plane) -> Plane:
    """One large dark organ in a thin wall."""
    centre = sector.point(rng.uniform(0.3, 0.6), rng.uniform(-0.4, 0.4))
    radius = rng.uniform(0.12, 0.32) * sector.size[0]
    reach = blob(rng, x, y, centre=centre, radius=radius)
    wall = rng.uniform(3, 9) * np.exp(-(((reach - 1.04) / 0.04) ** 2))
    return np.where(reach < 1, rng.uniform(SILENCE, -28), echo + wall)


def _heart(rng: Rng, sector: Sector, x: Plane, y: Plane, echo: Plane) -> Plane:
    """Several dark chambers between bright walls."""
    echo = echo - rng.uniform(0, 10)
    for _ in range(rng.integers(2, 5)):
        centre = sector.point(rng.uniform(0.25, 0.85), rng.uniform(-0.6, 0.6))
        radius = rng.uniform(0.08, 0.22) * sector.size[0]
        reach = blob(rng, x, y, centre=centre, radius=radius)
        wall = rng.uniform(5, 14) * np.exp(-(((reach - 1.08) / 0.07) ** 2))
        echo = np.where(reach < 1, rng.uniform(-40, -16), echo + wall)
    return echo


def _dark(rng: Rng, sector: Sector, x: Plane, y: Plane, echo: Plane) -> Plane:
    """Hardly any contact: a few bright patches in darkness."""
    patches = clouds(rng, x, y, size=sector.size[0] * 0.08)
    return echo - rng.uniform(15, 40) + 12 * np.clip(patches, 0, 2)


def _air(rng: Rng, sector: Sector, x: Plane, y: Plane, echo: Plane) -> Plane:
    """No contact: the probe rings, then nothing comes back."""
    depth = np.linspace(0, 1, x.shape[0], dtype=np.float32)[:, None]
    return echo + rng.uniform(0, 10) - rng.uniform(90, 300) * depth


def _plain(rng: Rng, sector: Sector, x: Plane, y: Plane, echo: Plane) -> Plane:
    """Organ tissue alone."""
    return echo


Scene = Callable[[Rng, Sector, Plane, Plane, Plane], Plane]
SCENES: tuple[Scene, ...] = (
    _plain,
    _plain,
    _bladder,
    _bladder,
    _heart,
    _heart,
    _heart,
    _dark,
    _air,
)


def shadows(rng: Rng, echo: Plane, fluid: Plane) -> Plane:
    """Add in dB what the way through the body takes from each sample.

    Fluid takes nothing while the machine still makes up for tissue, so that
    what lies behind it is brighter; ribs and gas leave a dark strip.
    """
    step = rng.uniform(0.02, 0.09)
    echo = echo + step * np.cumsum(fluid < 0, axis=0, dtype=np.float32)
    beams = np.linspace(-1, 1, echo.shape[1], dtype=np.float32)
    for _ in range(rng.choice(4, p=[0.5, 0.25, 0.15, 0.1])):
        at, width = rng.uniform(-1, 1), rng.uniform(0.03, 0.14)
        start = int(rng.uniform(0.02, 0.3) * len(echo))
        strip = np.exp(-(((beams - at) / width) ** 4))[None, :]
        echo[start : start + 8] += 14 * strip
        echo[start + 8 :] -= rng.uniform(6, 24) * strip
    depth = np.linspace(-1, 1, len(echo), dtype=np.float32)[:, None]
    slope, bend = rng.uniform(-7, 5), rng.uniform(-5, 5)
    edge = rng.uniform(0, 9) * beams[None, :] ** 4
    seen: Plane = echo + slope * depth + bend * (depth**2 - 0.33) - edge
    return seen
