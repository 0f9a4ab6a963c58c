"""The ultrasound regions that a DICOM file draws on its image."""

from collections.abc import Iterable
from math import isfinite
from typing import Any

from diagnosis.imaging.image import Region

CENTIMETRES = 3
"""Physical Units X/Y Direction (DICOM PS3.3 C.8.5.5.1.15)."""

GRAPHICS = 5
"""Region Spatial Format of drawings, which may hold writing (C.8.5.5.1.1)."""

MAX_REGIONS = 64
"""A dozen is already unusual."""


def read_regions(
    items: Iterable[Any], *, columns: int, rows: int
) -> tuple[Region, ...]:
    """Return the regions that show ultrasound, clipped to the image.

    Left out: graphics, and regions that lie beside the image.

    Args:
        items: pydicom datasets of the Sequence of Ultrasound Regions.
        columns: image width in pixels.
        rows: image height in pixels.

    Raises:
        Exception: a region lacks a number; pydicom decides which kind.
    """
    shown = [item for item in items if item.get("RegionSpatialFormat") != GRAPHICS]
    clipped = [_clip(item, columns, rows) for item in shown[:MAX_REGIONS]]
    return tuple(region for region in clipped if region is not None)


def common_calibration(regions: Iterable[Region]) -> tuple[float, float] | None:
    """Return (x, y) mm per pixel if the regions with a length agree on one."""
    found = {
        region.millimetres_per_pixel
        for region in regions
        if region.millimetres_per_pixel is not None
    }
    return found.pop() if len(found) == 1 else None


def pixel_spacing(values: Any) -> tuple[float, float] | None:
    """Return (x, y) mm per pixel from Pixel Spacing, which names the rows' step first.

    Only for files without ultrasound regions, whose own scale comes first.

    Args:
        values: of Pixel Spacing (DICOM PS3.3 10.7.1.3), None where the file has none.
    """
    if not values:
        return None
    down, across = (float(value) for value in values)
    usable = all(isfinite(step) and step > 0 for step in (across, down))
    return (across, down) if usable else None


def _clip(item: Any, columns: int, rows: int) -> Region | None:
    """Return the part of a region inside the image, None if there is none."""
    x0, y0 = max(item.RegionLocationMinX0, 0), max(item.RegionLocationMinY0, 0)
    # The file names the last pixel; some scanners name the one after it.
    right, bottom = item.RegionLocationMaxX1, item.RegionLocationMaxY1
    x1, y1 = min(right + 1, columns), min(bottom + 1, rows)
    if x0 >= x1 or y0 >= y1:
        return None
    overreaches = right > columns or bottom > rows
    calibration = None if overreaches else _calibration(item)
    return Region(x0, y0, x1, y1, overreaches, calibration)


def _calibration(item: Any) -> tuple[float, float] | None:
    """Return (x, y) mm per pixel where both axes are lengths in centimetres."""
    units = (item.get("PhysicalUnitsXDirection"), item.get("PhysicalUnitsYDirection"))
    if units != (CENTIMETRES, CENTIMETRES):
        return None
    # The sign only tells the direction of the axis.
    x = abs(float(item.PhysicalDeltaX)) * 10
    y = abs(float(item.PhysicalDeltaY)) * 10
    usable = all(isfinite(step) and step > 0 for step in (x, y))
    return (x, y) if usable else None
