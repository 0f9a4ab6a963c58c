"""Writing of pixels as PNG bytes without metadata."""

from io import BytesIO

from PIL import Image

from diagnosis.imaging.image import Pixels

FAST = 3
"""zlib level; higher levels double the time for a few per cent of the size."""


def encode_png(pixels: Pixels) -> bytes:
    """Write pixels as a PNG of the chunks IHDR, IDAT and IEND alone.

    Args:
        pixels: uint8, (H, W) grey, (H, W, 3) RGB or (H, W, 4) RGBA.
    """
    return save_png(Image.fromarray(pixels))


def save_png(image: Image.Image) -> bytes:
    """Write an image that was made here, so that it carries no ``info``."""
    stream = BytesIO()
    image.save(stream, format="PNG", compress_level=FAST)
    return stream.getvalue()
