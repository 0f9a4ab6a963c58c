"""How a curved probe draws tissue: sector, speckle, attenuation, compression."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Plane = npt.NDArray[np.floating[Any]]
Rng = np.random.Generator

DEPTHS = 448  # samples along a beam
BEAMS = 208
SILENCE = -60.0  # echo of clear fluid, in dB below liver


@dataclass(frozen=True)
class Sector:
    """The part of the frame that a curved probe sees.

    Attributes:
        size: (rows, columns) of the frame.
        apex: (x, y) where the beams would meet, in pixels.
        near: radius of the probe's face, in pixels.
        far: radius of the deepest sample, in pixels.
        half_angle: of the fan, in radians.
    """

    size: tuple[int, int]
    apex: tuple[float, float]
    near: float
    far: float
    half_angle: float

    def beams(self) -> tuple[Plane, Plane]:
        """Place every sample: x, y in pixels, each (DEPTHS, BEAMS)."""
        radius = np.linspace(self.near, self.far, DEPTHS, dtype=np.float32)[:, None]
        angle = np.linspace(-self.half_angle, self.half_angle, BEAMS)[None, :]
        angle = angle.astype(np.float32)
        x: Plane = self.apex[0] + radius * np.sin(angle)
        y: Plane = self.apex[1] + radius * np.cos(angle)
        return x, y

    def places(self) -> tuple[Plane, Plane]:
        """(depth, beam) in samples of every pixel, each (rows, columns)."""
        y, x = np.ogrid[: self.size[0], : self.size[1]]
        dx = (x - self.apex[0]).astype(np.float32)
        dy = (y - self.apex[1]).astype(np.float32)
        depth = (np.hypot(dx, dy) - self.near) / (self.far - self.near)
        beam = np.arctan2(dx, dy) / (2 * self.half_angle) + 0.5
        return depth * (DEPTHS - 1), beam * (BEAMS - 1)

    def point(self, depth: float, beam: float) -> tuple[float, float]:
        """(x, y) at shares of the depth (0…1) and of the half angle (−1…1)."""
        radius = self.near + depth * (self.far - self.near)
        angle = beam * self.half_angle
        return (
            float(self.apex[0] + radius * np.sin(angle)),
            float(self.apex[1] + radius * np.cos(angle)),
        )


def draw_sector(rng: Rng, size: tuple[int, int]) -> Sector:
    """Draw a probe and a depth; the fan may run out of the frame.

    Most probes are curved; a few are linear (a far apex) or phased (a near one).
    """
    rows, columns = size
    half_angle, near = rng.uniform(0.45, 0.72), rng.uniform(0.03, 0.35) * rows
    if rng.random() < 0.12:
        near = 8.0 * rows
        half_angle = rng.uniform(0.3, 0.48) * columns / near
    top = rng.uniform(0.02, 0.16) * rows
    depth = rng.uniform(0.62, 1.05) * rows
    x = columns * rng.uniform(0.44, 0.56)
    return Sector(
        size, (x, top - near * np.cos(half_angle)), near, near + depth, half_angle
    )


def speckle(rng: Rng, echo: Plane, *, axial: float, lateral: float) -> Plane:
    """Amplitude in dB of fully developed speckle over a map of echo strengths.

    Complex Gaussian scatterers, weighted by the tissue, are blurred by the
    pulse (axial) and the beam (lateral); their modulus is Rayleigh distributed.

    Args:
        rng: the generator.
        echo: (DEPTHS, BEAMS) mean echo in dB.
        axial: standard deviation of the pulse, in samples.
        lateral: the same of the beam.
    """
    shape = echo.shape
    scatter = rng.standard_normal((*shape, 2), dtype=np.float32)
    field = (scatter[..., 0] + 1j * scatter[..., 1]) * 10 ** (echo / 20)
    row = np.fft.fftfreq(shape[0])[:, None] * axial
    column = np.fft.fftfreq(shape[1])[None, :] * lateral
    pulse = np.exp(-2 * np.pi**2 * (row**2 + column**2))
    pulse /= np.sqrt((pulse**2).mean())
    blurred = np.fft.ifft2(np.fft.fft2(field) * pulse)
    return (20 * np.log10(np.abs(blurred) + 1e-6)).astype(np.float32)


def compress(decibel: Plane, *, gain: float, dynamic_range: float) -> Plane:
    """Log-compressed grey in [0, 1]: gain in dB lifts, the range in dB spreads."""
    grey: Plane = np.clip((decibel + gain) / dynamic_range, 0, 1)
    return grey


def scan_convert(sector: Sector, samples: Plane) -> Plane:
    """Samples (DEPTHS, BEAMS) → frame (rows, columns), 0 outside the sector."""
    depth, beam = sector.places()
    inside = inside_sector(depth, beam)
    depth, beam = depth[inside], beam[inside]
    row = np.minimum(depth.astype(np.int32), DEPTHS - 2)
    column = np.minimum(beam.astype(np.int32), BEAMS - 2)
    down, right = depth - row, beam - column
    flat, index = samples.ravel(), row * BEAMS + column
    upper = flat[index] * (1 - right) + flat[index + 1] * right
    lower = flat[index + BEAMS] * (1 - right) + flat[index + BEAMS + 1] * right
    frame = np.zeros(sector.size, dtype=np.float32)
    frame[inside] = upper * (1 - down) + lower * down
    return frame


def inside_sector(depth: Plane, beam: Plane) -> npt.NDArray[np.bool_]:
    """Which places (in samples) the probe sees."""
    return (depth >= 0) & (depth <= DEPTHS - 1) & (beam >= 0) & (beam <= BEAMS - 1)
