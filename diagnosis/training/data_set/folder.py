"""A data set that is a folder."""

from pathlib import Path

from diagnosis.training.data_set.files import image_files, mask_beside
from diagnosis.training.data_set.samples import SPLITS, Sample
from diagnosis.training.errors import DataSetRefused


def read_folder(folder: Path, *, labelled: bool) -> list[Sample]:
    """Read CLASS/IMAGE, CLASS/PATIENT/IMAGE, or either under train, val and test.

    Args:
        folder: what to read.
        labelled: the first folder is the class. Else only masks matter, folders
            mean nothing, and each image is a group of its own.

    Raises:
        DataSetRefused: there is no image, or one lies outside every class.
    """
    samples = [_sample(folder, path, labelled=labelled) for path in image_files(folder)]
    if not samples:
        raise DataSetRefused(f"There is no image in {folder}.")
    return samples


def _sample(folder: Path, path: Path, *, labelled: bool) -> Sample:
    *parents, _ = path.relative_to(folder).parts
    split = parents.pop(0) if parents and parents[0] in SPLITS else None
    if labelled and not parents:
        raise DataSetRefused(
            f"{path} has no label: it lies beside the folders of the classes."
        )
    patient = "/".join(parents) if len(parents) > 1 else str(path.relative_to(folder))
    return Sample(
        path=path,
        label=parents[0] if parents else None,
        mask=mask_beside(path),
        split=split,
        group=patient if labelled else str(path.relative_to(folder)),
    )
