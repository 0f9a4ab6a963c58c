"""Which files of a data set are images, and which are their masks."""

from collections.abc import Iterator
from pathlib import Path

from diagnosis.training.errors import DataSetRefused

IMAGES = frozenset({".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp"})
MASK_ENDINGS = ("_M", "_mask")
LABELME = ".json"


def image_files(folder: Path) -> Iterator[Path]:
    """All images under a folder but masks, sorted; hidden ones are left out.

    Raises:
        DataSetRefused: a mask lies there without its image.
    """
    found = {
        path
        for path in folder.rglob("*")
        if path.suffix.lower() in IMAGES
        and not any(part.startswith(".") for part in path.relative_to(folder).parts)
    }
    for path in sorted(found):
        ending = next((e for e in MASK_ENDINGS if path.stem.endswith(e)), None)
        if ending is None:
            yield path
        elif not _named(path, path.stem.removesuffix(ending), found):
            raise DataSetRefused(f"{path} is a mask, and its image is not beside it.")


def mask_beside(image: Path) -> Path | None:
    """The mask of an image: NAME_M.*, NAME_mask.*, or NAME.json by LabelMe."""
    for ending in MASK_ENDINGS:
        for suffix in (image.suffix, *sorted(IMAGES)):
            mask = image.with_name(f"{image.stem}{ending}{suffix}")
            if mask.is_file():
                return mask
    outlines = image.with_suffix(LABELME)
    return outlines if outlines.is_file() else None


def _named(beside: Path, stem: str, found: set[Path]) -> bool:
    return any(
        beside.with_name(stem + suffix) in found
        for suffix in (beside.suffix, *sorted(IMAGES))
    )
