"""How large an image may be before anything of it is decoded."""

from diagnosis.imaging.errors import ImageRefused

MAX_PIXELS = 50_000_000
"""Pixels of one frame; 24 times a Full HD screen."""

MIN_SIDE = 64
"""Pixels; a smaller picture is an icon."""


def check_size(columns: int, rows: int) -> None:
    """Refuse a frame that is too large to decode or too small to grade.

    Raises:
        ImageRefused: more than MAX_PIXELS, or a side below MIN_SIDE.
    """
    if columns * rows > MAX_PIXELS:
        raise ImageRefused(
            f"This image is {columns:,} × {rows:,} pixels; "
            f"at most {MAX_PIXELS // 1_000_000} million pixels can be read."
        )
    if min(columns, rows) < MIN_SIDE:
        raise ImageRefused(
            f"This image is {columns} × {rows} pixels; "
            f"each side needs at least {MIN_SIDE}."
        )


def check_frame(frame: int, frames: int) -> None:
    """Refuse a frame that the file does not have, counting from 1 for people.

    Raises:
        ImageRefused: not 0 <= frame < frames.
    """
    if not 0 <= frame < frames:
        held = "one frame" if frames == 1 else f"{frames:,} frames"
        raise ImageRefused(f"There is no frame {frame + 1:,}: this file has {held}.")
