"""A data set that is a CSV list beside a folder of images."""

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from diagnosis.training.data_set.files import image_files, mask_beside
from diagnosis.training.data_set.samples import SPLITS, Sample
from diagnosis.training.errors import DataSetRefused

Row = dict[str, str]


@dataclass(frozen=True)
class _Place:
    """A row of the list, for sentences."""

    listing: Path
    line: int

    def refuse(self, what: str) -> DataSetRefused:
        return DataSetRefused(f"{self.listing}, line {self.line}: {what}")


def read_listing(listing: Path, images: Path, *, labelled: bool) -> list[Sample]:
    """Read a list with the columns path, label and, if there, more.

    mask (a path), split (train, val, test), group or patient, and fold (from 0).
    Without a mask column, masks are looked for beside their images. An image may
    also lie at SPLIT/LABEL/PATH, with _ for each / of its path.

    Args:
        listing: the list.
        images: the folder that its paths start from.
        labelled: every row needs a label.

    Raises:
        DataSetRefused: no CSV, a column is missing, a row names no image or says
            what cannot be, or an image is in no row.
    """
    try:
        with listing.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file)
            _check_columns(listing, reader.fieldnames or (), labelled=labelled)
            samples = [
                _sample(_Place(listing, reader.line_num), row, images, labelled)
                for row in reader
            ]
    except OSError as error:
        raise DataSetRefused(f"{listing} cannot be read ({error.strerror}).") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise DataSetRefused(f"{listing} is no CSV file: {error}.") from error
    if not samples:
        raise DataSetRefused(f"{listing} has no rows.")
    _check_paths(listing, samples, images)
    return samples


def _check_columns(listing: Path, columns: Iterable[str], *, labelled: bool) -> None:
    needed = ("path", "label") if labelled else ("path",)
    missing = [name for name in needed if name not in columns]
    if missing:
        raise DataSetRefused(
            f"{listing} has no column {' and no column '.join(missing)}."
        )


def _sample(place: _Place, row: Row, images: Path, labelled: bool) -> Sample:  # noqa: FBT001
    row = {name: (value or "").strip() for name, value in row.items() if name}
    if labelled and not row["label"]:
        raise place.refuse(f"{row['path']} has no label.")
    if row.get("split") and row["split"] not in SPLITS:
        raise place.refuse(f"{row['split']!r} is no split ({', '.join(SPLITS)}).")
    if row.get("fold") and not row["fold"].isdecimal():
        raise place.refuse(f"{row['fold']!r} is no fold: a number from 0.")
    path = _image(place, row, images)
    return Sample(
        path=path,
        label=row.get("label") or None,
        mask=_mask(place, row, images) or mask_beside(path),
        split=row.get("split") or None,
        group=row.get("group") or row.get("patient") or row["path"],
        fold=int(row["fold"]) if row.get("fold") else None,
    )


def _image(place: _Place, row: Row, images: Path) -> Path:
    flat = row["path"].replace("/", "_")
    for path in (
        images / row["path"],
        images / row.get("split", "") / row.get("label", "") / flat,
    ):
        if row["path"] and path.is_file():
            return path
    raise place.refuse(f"there is no image {row['path']!r} in {images}.")


def _mask(place: _Place, row: Row, images: Path) -> Path | None:
    if not row.get("mask"):
        return None
    mask = images / row["mask"]
    if not mask.is_file():
        raise place.refuse(f"there is no mask {row['mask']!r} in {images}.")
    return mask


def _check_paths(listing: Path, samples: list[Sample], images: Path) -> None:
    """Every image is in one row."""
    named: set[Path] = set()
    for sample in samples:
        if sample.path in named:
            raise DataSetRefused(f"{listing} names {sample.path} twice.")
        named.add(sample.path)
    masks = {sample.mask for sample in samples}
    unnamed = [
        path for path in image_files(images) if path not in named | masks
    ]  # fmt: skip
    if unnamed:
        more = f" and {len(unnamed) - 1} more" if unnamed[1:] else ""
        raise DataSetRefused(f"{listing} has no row for {unnamed[0]}{more}.")
