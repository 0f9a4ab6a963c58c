"""Who is trained on and who is measured on, patient by patient."""

from collections.abc import Sequence
from dataclasses import replace

from sklearn.model_selection import StratifiedGroupKFold

from diagnosis.training.data_set.samples import Sample
from diagnosis.training.errors import DataSetRefused

PARTS = 5  # one of them is for val


def split_samples(
    samples: Sequence[Sample], *, seed: int, fold: int | None
) -> tuple[Sample, ...]:
    """Put every sample into a split.

    Samples that say their split stay there. Where none does, a fifth of the
    groups goes to val, each class in proportion as far as groups allow.

    Args:
        samples: all that there are.
        seed: decides where nobody else does.
        fold: this fold is val, the other folds are train, test stays test.

    Raises:
        DataSetRefused: only some samples say their split or fold, there are too
            few groups, or a group is in two splits.
    """
    if fold is not None:
        samples = [_by_fold(sample, fold) for sample in samples]
        if not any(sample.fold == fold for sample in samples):
            raise DataSetRefused(f"No sample is in fold {fold}.")
    elif not any(sample.split for sample in samples):
        samples = _at_random(samples, seed)
    unsplit = next((sample for sample in samples if not sample.split), None)
    if unsplit:
        raise DataSetRefused(f"{unsplit.path} is in no split, and others are in one.")
    _check_groups(samples)
    return tuple(samples)


def _by_fold(sample: Sample, fold: int) -> Sample:
    if sample.split == "test":
        return sample
    if sample.fold is None:
        raise DataSetRefused(f"{sample.path} is in no fold.")
    return replace(sample, split="val" if sample.fold == fold else "train")


def _at_random(samples: Sequence[Sample], seed: int) -> list[Sample]:
    labels = [sample.label or "" for sample in samples]
    groups = [sample.group for sample in samples]
    sizes = {
        label: len({g for g, of in zip(groups, labels, strict=True) if of == label})
        for label in labels
    }
    fewest = min(sizes, key=lambda label: sizes[label])
    if sizes[fewest] < 2:
        raise DataSetRefused(
            f"All samples{f' of {fewest}' if fewest else ''} are of one patient"
            f" ({groups[labels.index(fewest)]}): they cannot be split into train and"
            " val."
        )
    folds = StratifiedGroupKFold(
        min(PARTS, sizes[fewest]), shuffle=True, random_state=seed
    )
    _, val = next(folds.split(labels, labels, groups))
    held_out = set(val.tolist())
    return [
        replace(sample, split="val" if number in held_out else "train")
        for number, sample in enumerate(samples)
    ]


def _check_groups(samples: Sequence[Sample]) -> None:
    splits: dict[str, str | None] = {}
    for sample in samples:
        first = splits.setdefault(sample.group, sample.split)
        if first != sample.split:
            raise DataSetRefused(
                f"Group {sample.group} is in {first} and in {sample.split}: what is"
                " learnt of a patient would be measured on the same patient."
            )
