"""What a folder of weights says of itself, in weights.json."""

import hashlib
import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from diagnosis.grading.errors import WeightsRejected
from diagnosis.grading.merging import Colour
from diagnosis.grading.scale import Grade

DEFAULT_WEIGHTS = Path(__file__).parent / "default_weights"
MANIFEST = "weights.json"
CLASSES = ("background", "kidney", "hydronephrotic area")


@dataclass(frozen=True)
class Part:
    """One network of the pair.

    Attributes:
        file: its name in the folder.
        network: its name in the catalogue.
        width: channels of its first stage.
        size: side of its square input, in pixels.
        sha256: digest of the file, hex.
    """

    file: str
    network: str
    width: int
    size: int
    sha256: str


@dataclass(frozen=True)
class Manifest:
    """Everything beside the tensors that decides a grade.

    Attributes:
        version: of the pair.
        segmenter: outlines kidney and fluid.
        classifier: grades the merged picture.
        classes: what the mask's values 0, 1, 2 mean.
        grades: what the classifier's outputs mean, in order.
        frame: (rows, columns) at which image and mask are merged.
        crop: (rows, columns) that the classifier sees of it.
        alpha: the share of colour in the merged picture.
        palette: the mask's colours, RGB.
        least_area: of kidney and fluid together, as a share of the frame; with
            less, no kidney was found.
        least_confidence: the mean probability that the segmenter gives to what
            it marked; with less, no kidney was found.
        least_certainty: of the likeliest grade; with less, a person is asked.
        least_agreement: share of the looks, mirrored and lit otherwise, that give
            the plain look's grade; with less, a person is asked.
        least_contrast: levels between dark and light; with less, a person is asked.
        most_colour: share of coloured pixels; with more, it is no grey ultrasound.
    """

    version: str
    segmenter: Part
    classifier: Part
    classes: tuple[str, ...] = CLASSES
    grades: tuple[str, ...] = tuple(Grade)
    frame: tuple[int, int] = (768, 1024)
    crop: tuple[int, int] = (608, 810)
    alpha: float = 0.1
    palette: tuple[Colour, ...] = field(default=((0, 0, 0), (0, 255, 0), (255, 0, 0)))
    least_area: float = 0.01
    least_confidence: float = 0.75
    least_certainty: float = 0.5
    least_agreement: float = 0.75
    least_contrast: float = 16.0
    most_colour: float = 0.25

    def to_json(self) -> bytes:
        """The content of weights.json."""
        return (json.dumps(asdict(self), indent=2) + "\n").encode()


def read_manifest(folder: Path) -> tuple[Manifest, str]:
    """Read weights.json.

    Returns:
        The manifest, with the SHA-256 of the file: as it names both networks'
        digests, this one number stands for everything that decides a grade.

    Raises:
        WeightsRejected: it is missing, or not a manifest that this code knows.
    """
    path = folder / MANIFEST
    try:
        content = path.read_bytes()
        manifest = _parse(json.loads(content))
    except OSError as error:
        raise WeightsRejected(
            f"There are no weights in {folder}: {MANIFEST} cannot be read"
            f" ({error.strerror})."
        ) from error
    except (ValueError, TypeError, KeyError) as error:
        raise WeightsRejected(f"{path} is not a manifest: {error}.") from error
    _check(manifest, path)
    return manifest, hashlib.sha256(content).hexdigest()


def _parse(fields: dict[str, Any]) -> Manifest:
    for name in ("segmenter", "classifier"):
        fields[name] = Part(**fields[name])
    for name in ("classes", "grades", "frame", "crop"):
        fields[name] = tuple(fields[name])
    fields["palette"] = tuple(tuple(colour) for colour in fields["palette"])
    return Manifest(**fields)


def _check(manifest: Manifest, path: Path) -> None:
    if manifest.grades != tuple(Grade) or manifest.classes != CLASSES:
        raise WeightsRejected(
            f"{path} names other grades or classes than this program knows:"
            f" it needs {', '.join(Grade)} over {', '.join(CLASSES)}."
        )
    if len(manifest.palette) != len(CLASSES) or not 0 <= manifest.alpha <= 1:
        raise WeightsRejected(f"{path} needs three colours, with alpha from 0 to 1.")
    if any(
        inner > outer
        for inner, outer in zip(manifest.crop, manifest.frame, strict=True)
    ):
        raise WeightsRejected(f"{path} asks for a crop larger than its frame.")
    for part in (manifest.segmenter, manifest.classifier):
        if Path(part.file).name != part.file:
            raise WeightsRejected(f"{path} names a file outside its folder.")
