"""The model card of a network that learnt from a data set."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from diagnosis.training.data_set.samples import SPLITS, DataSet
from diagnosis.training.fitting.checkpoint import Progress
from diagnosis.training.fitting.settings import LAST_EPOCH, Settings

_CARD = """\
# {network}

**Research only, not for clinical use.**

| | |
|---|---|
| Network | {network}, width {width}, {size}², {parameters:,} parameters |
| Classes | {classes} |
| Weights | `{file}`, float32, SHA-256 `{sha256}` |

## Trained on

Source: {source}. Licence: {licence}. SHA-256 of images, labels and split: `{data_sha256}`.

| split | images | patients or exams | of each class |
|---|---|---|---|
{splits}

No patient or exam is in two splits, as far as the data set names them.

## How

Adam {rate} × {decay} per epoch, batch {batch}, {precision}, seed {seed}, class weights
{class_weights}, {augmentation}. {epochs} epochs were done, at most {most};
the weights are those of epoch {best}, {kept}.

## Measured on val

{metric}: **{score:.4f}** (loss {loss:.4f}). {honesty}
`manage.py validate_network` measures with intervals.
"""


@dataclass(frozen=True)
class Origin:
    """Where images come from, and on what terms.

    Attributes:
        source: a paper, a repository, a hospital.
        licence: its licence.
    """

    source: str = "not stated"
    licence: str = "not stated"


def write_card(
    settings: Settings,
    data: DataSet,
    progress: Progress,
    *,
    origin: Origin,
    metric: str,
    parameters: int,
    about: dict[str, str],
) -> str:
    """Fill in the card, Markdown.

    Args:
        settings: the recipe.
        data: what it was trained and chosen on.
        progress: the curves.
        origin: of the images.
        metric: what the score is.
        parameters: how many numbers were trained.
        about: file, sha256, data_sha256.
    """
    best = progress.epochs[progress.best - 1]
    weights, last = settings.class_weights, settings.keep == LAST_EPOCH
    return _CARD.format(
        **vars(settings)
        | about
        | {
            "classes": ", ".join(settings.classes),
            "class_weights": weights
            if isinstance(weights, str)
            else " : ".join(str(weight) for weight in weights),
            "epochs": len(progress.epochs),
        },
        parameters=parameters,
        source=origin.source,
        licence=origin.licence,
        splits="\n".join(_row(data, split) for split in SPLITS if data.of(split)),
        augmentation="augmented" if settings.augment else "not augmented",
        most=settings.epochs,
        best=progress.best,
        kept="the last" if last else "chosen on val",
        honesty="It chose nothing."
        if last
        else "The epoch was chosen by this very figure, so it flatters.",
        metric=metric[0].upper() + metric[1:],
        score=best.score,
        loss=best.val_loss,
    )


def _row(data: DataSet, split: str) -> str:
    samples = data.of(split)
    groups = {sample.group for sample in samples}
    return f"| {split} | {len(samples)} | {len(groups)} | {_labels(data, split)} |"


def _labels(data: DataSet, split: str) -> str:
    labels = Counter(sample.label for sample in data.of(split))
    named: Sequence[str] = [
        f"{name} {labels[name]}" for name in data.classes if labels[name]
    ]
    return ", ".join(named) or "in the masks"
