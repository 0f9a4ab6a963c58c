"""Hostile bytes give a refusal or a sound image, never another exception."""

from functools import cache
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image
from pydicom.uid import RLELossless

from diagnosis.imaging.decoding import decode, inspect
from diagnosis.imaging.desensitising import desensitise
from diagnosis.imaging.errors import ImageRefused
from tests.diagnosis.imaging.files import (
    dataset,
    dicom,
    encoded,
    jpeg_dicom,
    picture,
    region,
    saved,
)

EXAMPLES = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
STARTS = [b"", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", bytes(128) + b"DICM"]


@cache
def valid_files():
    """One small file of each kind that is read."""
    grey, colour = picture(64, 64), picture(64, 64, colour=True)
    exif = Image.Exif()
    exif[0x0112] = 6
    rle = dataset(np.stack([grey, grey]))
    rle.compress(RLELossless)
    animation = [Image.fromarray(grey), Image.fromarray(grey[::-1])]
    palette: dict[str, Any] = {"PhotometricInterpretation": "PALETTE COLOR"}
    for name in ("Red", "Green", "Blue"):
        palette[f"{name}PaletteColorLookupTableDescriptor"] = [256, 0, 16]
        palette[f"{name}PaletteColorLookupTableData"] = bytes(512)
    return {
        "png": encoded(colour, exif=exif),
        "png 16 bit": encoded(grey.astype(np.uint16) * 99),
        "png palette": encoded(Image.fromarray(colour).quantize(8), transparency=3),
        "png animated": encoded(
            animation[0], save_all=True, append_images=animation[1:]
        ),
        "jpeg": encoded(colour, "JPEG", exif=exif, progressive=True),
        "dicom": dicom(grey, SequenceOfUltrasoundRegions=[region(5, 5, 60, 60)]),
        "dicom 16 bit": dicom(
            grey.astype(np.uint16), WindowCenter=99, WindowWidth=9, RescaleSlope=2
        ),
        "dicom palette": dicom(grey, **palette),
        "dicom jpeg": jpeg_dicom([colour, colour]),
        "dicom rle": saved(rle),
    }


def check(data, frame=0):
    """Either a refusal in a sentence, or an image that can be sent on."""
    try:
        image = decode(data, frame=frame)
    except ImageRefused:
        return
    assert image.pixels.dtype == np.uint8
    assert image.pixels.ndim == 2 or image.pixels.shape[2:] == (3,)
    assert min(image.pixels.shape[:2]) >= 64
    facts = inspect(data)
    assert (facts.rows, facts.columns) == image.pixels.shape[:2]
    assert desensitise(image).pixels.shape == image.pixels.shape


@EXAMPLES
@given(st.sampled_from(STARTS), st.binary(max_size=300), st.integers(-1, 3))
def test_random_bytes(start, rest, frame):
    check(start + rest, frame)


@pytest.mark.parametrize("kind", list(valid_files()))
@EXAMPLES
@given(st.data())
def test_changed_bytes(kind, data):
    file = bytearray(valid_files()[kind])
    # Half of the changes go to the header, where they matter most.
    places = st.integers(0, len(file) - 1) | st.integers(0, min(1200, len(file) - 1))
    for at in data.draw(st.lists(places, min_size=1, max_size=6)):
        file[at] = data.draw(st.integers(0, 255))
    check(bytes(file), data.draw(st.integers(0, 1)))


@pytest.mark.parametrize("kind", list(valid_files()))
@EXAMPLES
@given(st.data())
def test_cut_repeated_and_spliced_bytes(kind, data):
    file = valid_files()[kind]
    other = valid_files()[data.draw(st.sampled_from(list(valid_files())))]
    a, b = (data.draw(st.integers(0, len(file))) for _ in range(2))
    c, d = (data.draw(st.integers(0, len(other))) for _ in range(2))
    check(file[:a] + other[min(c, d) : max(c, d)] + file[b:])
