"""Outlines that somebody drew with LabelMe."""

import json
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from diagnosis.grading.framing import Pixels, Size
from diagnosis.training.errors import DataSetRefused

Points = list[tuple[float, float]]


def read_labelme(path: Path, size: Size, classes: Sequence[str]) -> Pixels:
    """Fill the shapes of a LabelMe file, later classes over earlier ones.

    So the fluid lies over the kidney, whichever was drawn first.

    Args:
        path: JSON as LabelMe writes it; polygons, rectangles and circles.
        size: (rows, columns) of its image, in pixels.
        classes: what the values of the mask mean; 0 is where nothing is drawn.

    Returns:
        (H, W) uint8, an index into ``classes``.

    Raises:
        DataSetRefused: no LabelMe file, of an image of another size, or with a
            shape or a label that is not known here.
    """
    try:
        content = json.loads(path.read_bytes())
        shapes = [
            (shape["label"], shape.get("shape_type") or "polygon", _points(shape))
            for shape in content["shapes"]
        ]
        drawn_on = (content["imageHeight"], content["imageWidth"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise DataSetRefused(f"{path} is no LabelMe file ({error!r}).") from error
    if None not in drawn_on and drawn_on != size:
        raise DataSetRefused(
            f"{path} was drawn on an image of {drawn_on[0]} × {drawn_on[1]} pixels,"
            f" and its image has {size[0]} × {size[1]}."
        )
    canvas = Image.new("L", (size[1], size[0]))
    for label, kind, points in sorted(
        shapes, key=lambda shape: _index(path, shape[0], classes)
    ):
        _draw(path, canvas, kind, points, classes.index(label))
    return np.array(canvas)


def _points(shape: dict[str, Any]) -> Points:
    return [(float(x), float(y)) for x, y in shape["points"]]


def _index(path: Path, label: object, classes: Sequence[str]) -> int:
    if label not in classes:
        raise DataSetRefused(
            f"{path} has a shape of {label!r}, which is none of {', '.join(classes)}."
        )
    return classes.index(str(label))


def _draw(
    path: Path, canvas: Image.Image, kind: str, points: Points, value: int
) -> None:
    draw = ImageDraw.Draw(canvas)
    fill: dict[str, tuple[int, Callable[[], None]]] = {
        "polygon": (3, lambda: draw.polygon(points, fill=value)),
        "rectangle": (2, lambda: draw.rectangle(_box(points), fill=value)),
        "circle": (
            2,
            lambda: draw.circle(points[0], math.dist(*points[:2]), fill=value),
        ),
    }
    least, paint = fill.get(kind, (0, None))
    if paint is None:
        raise DataSetRefused(
            f"{path} has a shape of kind {kind!r}; {', '.join(fill)} can be filled."
        )
    if len(points) < least or (kind != "polygon" and len(points) > least):
        raise DataSetRefused(f"{path} has a {kind} of {len(points)} points.")
    paint()


def _box(points: Points) -> Points:
    (x0, y0), (x1, y1) = points
    return [(min(x0, x1), min(y0, y1)), (max(x0, x1), max(y0, y1))]
