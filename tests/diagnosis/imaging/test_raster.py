"""PNG and JPEG files become upright 8-bit pixels."""

import numpy as np
import pytest
from PIL import Image

from diagnosis.imaging.decoding import decode, inspect
from diagnosis.imaging.errors import ImageRefused
from tests.diagnosis.imaging.files import chunk, encoded, picture, png_of

GREY, RGB = picture(), picture(colour=True)


@pytest.mark.parametrize("pixels", [GREY, RGB])
def test_a_png_comes_back_to_the_bit(pixels):
    image = decode(encoded(pixels))

    np.testing.assert_array_equal(image.pixels, pixels)
    assert image.pixels.dtype == np.uint8
    assert (image.format, image.frame, image.frames) == ("png", 0, 1)
    assert (image.regions, image.millimetres_per_pixel) == ((), None)


@pytest.mark.parametrize("pixels", [GREY, RGB])
@pytest.mark.parametrize("progressive", [False, True])
def test_a_jpeg_comes_back_nearly(pixels, progressive):
    image = decode(encoded(pixels, "JPEG", quality=95, progressive=progressive))

    assert image.format == "jpeg"
    assert np.abs(image.pixels.astype(int) - pixels).mean() < 3


def test_the_header_alone_tells_format_and_size():
    facts = inspect(encoded(GREY))

    assert (facts.format, facts.frames) == ("png", 1)
    assert (facts.rows, facts.columns) == GREY.shape


def test_16_bit_grey_keeps_its_upper_byte():
    deep = GREY.astype(np.uint16) * 256 + 200

    np.testing.assert_array_equal(decode(encoded(deep)).pixels, GREY)


def test_16_bit_grey_with_a_transparent_value_shows_black_there():
    deep = (GREY.astype(np.uint16) * 256).astype(">u2")
    body = b"".join(b"\0" + row.tobytes() for row in deep)
    transparent = chunk(b"tRNS", deep[5, 5:6].tobytes())
    png = png_of(96, 80, depth=16, body=body, extra=transparent)

    expected = np.where(GREY[5, 5] == GREY, 0, GREY)
    np.testing.assert_array_equal(decode(png).pixels, expected)


def test_a_palette_becomes_colours():
    image = Image.fromarray(RGB).quantize(32)

    expected = np.asarray(image.convert("RGB"))
    np.testing.assert_array_equal(decode(encoded(image)).pixels, expected)


def test_a_palette_with_transparency_shows_on_black():
    image = Image.fromarray(RGB).quantize(32)
    pixels = decode(encoded(image, transparency=bytes([0] * 32))).pixels

    assert pixels.shape == RGB.shape
    assert not pixels.any()


def test_one_bit_becomes_black_and_white():
    pixels = decode(encoded(Image.fromarray(GREY > 150))).pixels

    np.testing.assert_array_equal(pixels, (GREY > 150) * np.uint8(255))


@pytest.mark.parametrize(("mode", "shape"), [("LA", (80, 96)), ("RGBA", (80, 96, 3))])
def test_transparency_is_seen_on_black(mode, shape):
    image = Image.fromarray(RGB).convert(mode)
    image.putalpha(Image.new("L", image.size, 128))
    opaque = np.asarray(image.convert("L" if mode == "LA" else "RGB")).astype(float)

    pixels = decode(encoded(image)).pixels

    assert pixels.shape == shape
    assert np.abs(pixels - opaque * 128 / 255).max() <= 1


def test_a_cmyk_jpeg_becomes_rgb():
    image = Image.fromarray(RGB).convert("CMYK")
    pixels = decode(encoded(image, "JPEG", quality=95)).pixels

    assert pixels.shape == RGB.shape
    assert np.abs(pixels.astype(int) - RGB).mean() < 4


@pytest.mark.parametrize(
    ("orientation", "turned"),
    [
        (1, lambda a: a),
        (2, lambda a: a[:, ::-1]),
        (3, lambda a: a[::-1, ::-1]),
        (4, lambda a: a[::-1]),
        (5, lambda a: a.T),
        (6, lambda a: a.T[:, ::-1]),
        (7, lambda a: a[::-1, ::-1].T),
        (8, lambda a: a.T[::-1]),
        (9, lambda a: a),
    ],
)
@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_the_orientation_of_exif_is_applied(orientation, turned, kind):
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = encoded(GREY, kind, exif=exif)
    expected = turned(decode(encoded(GREY, kind)).pixels)

    np.testing.assert_array_equal(decode(data).pixels, expected)
    facts = inspect(data)
    assert (facts.rows, facts.columns) == expected.shape


def test_a_jpeg_with_broken_exif_keeps_its_pixels():
    broken = b"Exif\0\0II*\0\x08\0\0\0\xff\xff" + b"\x12\x01\x03\0\xff\xff\xff\xff" * 4
    data = encoded(GREY, "JPEG", exif=broken)

    assert decode(data).pixels.shape == GREY.shape


def test_an_animated_png_shows_its_first_frame():
    frames = [Image.fromarray(picture(seed=seed)) for seed in range(3)]
    data = encoded(frames[0], save_all=True, append_images=frames[1:])

    image = decode(data)

    np.testing.assert_array_equal(image.pixels, GREY)
    assert image.frames == inspect(data).frames == 1


def test_a_broken_animation_still_has_its_still_picture():
    body = b"".join(b"\0" + row.tobytes() for row in GREY)
    png = png_of(96, 80, body=body, extra=chunk(b"acTL", b"\0" * 8))

    np.testing.assert_array_equal(decode(png).pixels, GREY)


def test_a_second_frame_of_a_png_is_refused():
    with pytest.raises(ImageRefused, match="There is no frame 2: this file has one"):
        decode(encoded(GREY), frame=1)
