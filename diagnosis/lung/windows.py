"""Hounsfield units to the three bytes of a pixel."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from diagnosis.grading.framing import Pixels

Hounsfield = npt.NDArray[np.float32]
"""(H, W) float32, HU: water is 0, air −1000."""


@dataclass(frozen=True)
class Window:
    """A span of densities that one channel shows.

    Attributes:
        name: the substances at both ends.
        low: HU that is black, as is all below.
        high: HU that is white, as is all above; more than ``low``.
    """

    name: str
    low: float
    high: float

    def apply(self, values: Hounsfield) -> Pixels:
        """(H, W) HU → (H, W) uint8, rising evenly from ``low`` to ``high``."""
        share = (values - self.low) / (self.high - self.low)
        grey: Pixels = np.rint(np.clip(share, 0, 1) * 255).astype(np.uint8)
        return grey


TABLE_II = (
    Window("air to water", -1000, 0),
    Window("lungs to blood", -500, 45),
    Window("fat to soft tissue", -100, 300),
)
"""One for each channel, between substances of the COVID paper's Table II.

The paper prints the substances' HU, but no windows: which of them bound a channel is
our choice. Around the lungs' −500 lies what is aired; from there to blood, what is
filled; from fat to soft tissue, everything around.
"""


def to_channels(values: Hounsfield, windows: tuple[Window, ...]) -> Pixels:
    """(H, W) HU → (H, W, 3) uint8, a window for each channel."""
    return np.stack([window.apply(values) for window in windows], axis=-1)


AERATED = (-950.0, -300.0)
"""HU of aired lung, around Table II's −500; the air around the body is below."""


def aerated_share(values: Hounsfield) -> float:
    """How much of a slice is as dense as aired lung, 0 to 1."""
    low, high = AERATED
    return float(((values > low) & (values < high)).mean())
