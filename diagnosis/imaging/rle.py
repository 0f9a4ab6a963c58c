"""Decoding of one DICOM RLE frame."""

from itertools import pairwise
from struct import unpack_from
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from diagnosis.imaging.errors import ImageRefused

MAX_SEGMENTS = 15


def decode_rle(encoded: bytes, dataset: Any) -> NDArray[Any]:
    """Decode an RLE Lossless frame (DICOM PS3.5 annex G).

    Pillow's PackBits decoder stops at the size it was given, so that a frame
    cannot unpack to more memory than its header admits, which pydicom's allows.

    Args:
        encoded: a header of 16 little-endian uint32, then one segment for each
            byte of each sample, the most significant byte first.
        dataset: says rows, columns, samples, bits and sign.

    Returns:
        (H, W) or (H, W, 3); uint8, int8, uint16 or int16.

    Raises:
        ImageRefused: another number of segments than the header calls for.
        ValueError: a segment is too short or breaks the code.
    """
    rows, columns = int(dataset.Rows), int(dataset.Columns)
    samples, size = int(dataset.SamplesPerPixel), int(dataset.BitsAllocated) // 8
    planes = [_unpack(segment, rows * columns) for segment in _segments(encoded)]
    if len(planes) != samples * size:
        raise ImageRefused(
            f"An RLE frame has {len(planes)} parts, not {samples * size}."
        )
    stacked = np.stack(planes, axis=-1).reshape(rows, columns, samples, size)
    kind = "i" if dataset.PixelRepresentation else "u"
    values = stacked.view(f">{kind}{size}")[..., 0].astype(f"={kind}{size}")
    return values[..., 0] if samples == 1 else values


def _segments(encoded: bytes) -> list[bytes]:
    """Cut a frame where its header says the segments begin."""
    (count,) = unpack_from("<L", encoded)
    if not 1 <= count <= MAX_SEGMENTS:
        raise ImageRefused(f"An RLE frame claims {count} parts.")
    starts = [*unpack_from(f"<{count}L", encoded, 4), len(encoded)]
    return [encoded[a:b] for a, b in pairwise(starts)]


def _unpack(segment: bytes, size: int) -> NDArray[np.uint8]:
    """Unpack one segment to exactly ``size`` bytes, ignoring padding after it."""
    row = Image.frombytes("L", (size, 1), segment, "packbits", "L")
    return np.array(row, dtype=np.uint8).reshape(size)
