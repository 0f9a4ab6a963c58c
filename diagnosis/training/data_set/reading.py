"""From a path to a data set that can be used."""

import hashlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from diagnosis.grading.manifest import CLASSES
from diagnosis.grading.scale import Grade
from diagnosis.training.data_set.folder import read_folder
from diagnosis.training.data_set.listing import read_listing
from diagnosis.training.data_set.masks import read_mask
from diagnosis.training.data_set.pictures import read_picture
from diagnosis.training.data_set.samples import DataSet, Sample
from diagnosis.training.data_set.splitting import split_samples
from diagnosis.training.errors import DataSetRefused

READERS = 4  # threads; files are decoded outside Python's lock


@dataclass(frozen=True)
class Source:
    """Where a data set lies and how to take it.

    Attributes:
        path: a folder, or a CSV list.
        images: the folder that the list's paths start from; its own by default.
        classes: in the order of the network's outputs; by default the mask's
            three, or the labels: in the order of the grades where they are grades,
            else sorted.
        fold: this fold of the list is val, the others are train.
        seed: of the split where the data set has none.
        split: put every sample into a split; else take them all as they are.
    """

    path: Path
    images: Path | None = None
    classes: tuple[str, ...] | None = None
    fold: int | None = None
    seed: int = 0
    split: bool = True


def read_data_set(source: Source, *, segmentation: bool) -> DataSet:
    """Read a data set and refuse what its names and labels already condemn.

    Args:
        source: where it lies.
        segmentation: every image needs a mask; else every image needs a label.

    Raises:
        DataSetRefused: it is empty, lacks labels, masks or images, has one class
            only or an unknown one, or a patient is on both sides of the split.
    """
    samples: Sequence[Sample] = _read(source, labelled=not segmentation)
    if segmentation:
        classes = source.classes or CLASSES
        _check_masks(samples)
    else:
        classes = source.classes or _classes(samples)
        _check_labels(samples, classes)
    if source.split:
        samples = split_samples(samples, seed=source.seed, fold=source.fold)
    return DataSet(classes, tuple(samples))


def check_files(data_set: DataSet, *, segmentation: bool) -> str:
    """Decode every file once, so that none of them ends the training later.

    Returns:
        SHA-256, hex, of all images, masks, labels, groups and splits.

    Raises:
        DataSetRefused: files are damaged, or no mask of train or val marks
            anything; the sentence names the first and counts the others.
    """

    def check(sample: Sample) -> tuple[bytes, bool] | DataSetRefused:
        try:
            return _check_file(sample, data_set.classes, segmentation=segmentation)
        except DataSetRefused as refusal:
            return refusal

    with ThreadPoolExecutor(READERS) as pool:
        found = list(pool.map(check, data_set.samples))
    refusals = [str(each) for each in found if isinstance(each, DataSetRefused)]
    if refusals:
        more = f" {len(refusals) - 1} more cannot be used." if refusals[1:] else ""
        raise DataSetRefused(refusals[0] + more)
    fine = [each for each in found if not isinstance(each, DataSetRefused)]
    if segmentation and not any(marked for _, marked in fine):
        raise DataSetRefused(
            f"The masks mark nothing but {data_set.classes[0]}: there is nothing to"
            " learn."
        )
    return hashlib.sha256(b"".join(digest for digest, _ in fine)).hexdigest()


def _read(source: Source, *, labelled: bool) -> list[Sample]:
    if source.path.is_file():
        images = source.images or source.path.parent
        return read_listing(source.path, images, labelled=labelled)
    if not source.path.is_dir():
        raise DataSetRefused(f"There is no file or folder {source.path}.")
    lists = sorted(source.path.glob("*.csv"))
    if len(lists) > 1:
        raise DataSetRefused(
            f"{source.path} holds several lists ({', '.join(p.name for p in lists)}):"
            " name the one that is meant."
        )
    if lists:
        return read_listing(lists[0], source.images or source.path, labelled=labelled)
    return read_folder(source.path, labelled=labelled)


def _classes(samples: Sequence[Sample]) -> tuple[str, ...]:
    labels = {sample.label for sample in samples if sample.label}
    if labels <= set(Grade):
        return tuple(Grade)
    return tuple(sorted(labels))


def _check_labels(samples: Sequence[Sample], classes: Sequence[str]) -> None:
    unknown = next((s for s in samples if s.label not in classes), None)
    if unknown:
        raise DataSetRefused(
            f"{unknown.path} is labelled {unknown.label}, which is none of"
            f" {', '.join(classes)}."
        )
    labels = {sample.label for sample in samples}
    if len(labels) == 1:
        raise DataSetRefused(
            f"All {len(samples)} images are labelled {labels.pop()}: there is nothing"
            " to tell apart."
        )


def _check_masks(samples: Sequence[Sample]) -> None:
    bare = [sample.path for sample in samples if sample.mask is None]
    if bare:
        more = f", nor have {len(bare) - 1} more" if bare[1:] else ""
        raise DataSetRefused(
            f"{bare[0]} has no mask beside it (NAME_M, NAME_mask, or NAME.json by"
            f" LabelMe){more}."
        )


def _check_file(
    sample: Sample, classes: Sequence[str], *, segmentation: bool
) -> tuple[bytes, bool]:
    """The digest of a sample, and whether its mask marks anything."""
    picture = read_picture(sample.path)
    digest = hashlib.sha256(repr((sample.label, sample.group, sample.split)).encode())
    digest.update(sample.path.read_bytes())
    marked = False
    if segmentation and sample.mask:
        mask = read_mask(sample.mask, (picture.shape[0], picture.shape[1]), classes)
        marked = bool(mask.any())
        digest.update(mask.tobytes())
    return digest.digest(), marked
