"""Fitting a picture into a frame of another shape, there and back."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image

Pixels = npt.NDArray[np.uint8]
Size = tuple[int, int]


@dataclass(frozen=True)
class Letterbox:
    """Where a picture lies in a frame that it fills in one direction.

    The aspect ratio is kept, the picture is centred, and the rest is 0.

    Attributes:
        outer: (rows, columns) of the frame, in pixels.
        inner: (rows, columns) of the picture within it.
        corner: (row, column) of the picture's first pixel.
    """

    outer: Size
    inner: Size
    corner: Size

    @classmethod
    def of(cls, picture: Size, frame: Size) -> "Letterbox":
        """Fit a picture of one size into a frame of another."""
        scale = min(frame[0] / picture[0], frame[1] / picture[1])
        rows = min(max(round(picture[0] * scale), 1), frame[0])
        columns = min(max(round(picture[1] * scale), 1), frame[1])
        corner = ((frame[0] - rows) // 2, (frame[1] - columns) // 2)
        return cls(frame, (rows, columns), corner)

    @property
    def window(self) -> tuple[slice, slice]:
        """The rows and columns that the picture takes."""
        return (
            slice(self.corner[0], self.corner[0] + self.inner[0]),
            slice(self.corner[1], self.corner[1] + self.inner[1]),
        )

    def place(self, picture: Pixels, *, nearest: bool = False) -> Pixels:
        """Scale a picture into the frame: (h, w) uint8 → ``outer``."""
        frame = np.zeros(self.outer, dtype=np.uint8)
        frame[self.window] = resize(picture, self.inner, nearest=nearest)
        return frame

    def remove(self, frame: Pixels, picture: Size) -> Pixels:
        """Cut labels out of the frame and scale them to the picture's size."""
        return resize(frame[self.window], picture, nearest=True)


def resize(picture: Pixels, size: Size, *, nearest: bool = False) -> Pixels:
    """Scale (h, w) or (h, w, 3) uint8 to (rows, columns).

    Antialiased bilinear for intensities, nearest for labels.
    """
    if picture.shape[:2] == size:
        return picture
    method = Image.Resampling.NEAREST if nearest else Image.Resampling.BILINEAR
    image = Image.fromarray(np.ascontiguousarray(picture))
    return np.asarray(image.resize((size[1], size[0]), method))
