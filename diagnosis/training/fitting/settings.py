"""Everything that decides what training makes of a data set."""

import json
from dataclasses import asdict, dataclass, replace
from typing import Any

from diagnosis.networks.catalogue import Width
from diagnosis.training.errors import RunRefused

BALANCED, EVEN = "balanced", "even"
BEST_EPOCH, LAST_EPOCH = "best", "last"
MAY_CHANGE = ("epochs", "patience")  # of a run that goes on


@dataclass(frozen=True)
class Settings:
    """A recipe, with a network and a seed to follow it.

    Attributes:
        network: its name in the catalogue.
        width: of its first stage, in channels.
        size: side of the square input, in pixels.
        classes: what the outputs mean, in order.
        batch: samples in each step, over all processes together.
        epochs: passes over the samples, at most.
        rate: of Adam in the first epoch.
        decay: the rate is multiplied with it after each epoch.
        patience: epochs without a better score on val before training stops; None
            never stops early.
        class_weights: of the loss, one a class; or "balanced", so that
            every class weighs the same however many samples it has; or "even".
        precision: of the arithmetic, "float32" or "bfloat16".
        augment: change the samples at random.
        seed: of initial weights, order, augmentation and, where the data set has
            none, the split.
        fold: of the data set, that was val.
        per_exam: frames of an exam and label in each epoch, drawn anew, so that
            long exams do not outweigh others; None takes all of them.
        keep: the weights of the "best" epoch on val, or of the "last" one where val
            is what the network will be measured on.

    Raises:
        RunRefused: a number cannot be meant.
    """

    network: str
    width: Width
    size: int
    classes: tuple[str, ...]
    batch: int
    epochs: int
    rate: float
    decay: float = 0.9
    patience: int | None = None
    class_weights: tuple[float, ...] | str = EVEN
    precision: str = "float32"
    augment: bool = True
    seed: int = 0
    fold: int | None = None
    per_exam: int | None = None
    keep: str = BEST_EPOCH

    def __post_init__(self) -> None:
        for name in ("batch", "epochs", "size", "rate", "decay"):
            if not getattr(self, name) > 0:
                raise RunRefused(f"{name} must be above 0, not {getattr(self, name)}.")
        for name in ("patience", "per_exam"):
            number = getattr(self, name)
            if number is not None and number < 1:
                raise RunRefused(f"{name} must be 1 or more, not {number}.")
        if self.keep == LAST_EPOCH and self.patience is not None:
            raise RunRefused("patience waits for a best epoch, and the last is kept.")

    def to_json(self) -> str:
        """One line."""
        return json.dumps(asdict(self))

    def differences(self, other: dict[str, Any]) -> list[str]:
        """What keeps a run with ``other`` settings from going on with these."""
        own = json.loads(self.to_json())
        return [
            f"{name} {other.get(name)} there, {value} here"
            for name, value in own.items()
            if name not in MAY_CHANGE and other.get(name) != value
        ]


def paper_settings(
    network: str, classes: tuple[str, ...], *, size: int, segmentation: bool
) -> Settings:
    """The recipe of the UPJO paper for a network of the catalogue.

    Segmentation: Adam 0.005 × 0.9 per epoch, 200 epochs, batch 8. Classification:
    batch 32, 50 epochs, × 0.9 per epoch.

    Differs from the paper: it names no first rate of the classifiers, ours is
    0.001; and its class weights 0.3 : 0.6 : 0.1 give the surgical grade the least,
    so ours are balanced.
    """
    segmenter = Settings(
        network=network,
        width=Width.FULL,
        size=size,
        classes=classes,
        batch=8,
        epochs=200,
        rate=0.005,
    )
    if segmentation:
        return segmenter
    return replace(segmenter, batch=32, epochs=50, rate=0.001, class_weights=BALANCED)
