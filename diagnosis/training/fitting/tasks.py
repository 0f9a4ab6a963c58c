"""What segmentation and classification do differently in training."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from monai.losses.dice import DiceCELoss
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 (the field's own name for it)

from diagnosis.grading.framing import Letterbox, Pixels, resize
from diagnosis.training.augmentation import move, move_images, relight
from diagnosis.training.balancing import balancing
from diagnosis.training.data_set.masks import read_mask
from diagnosis.training.data_set.pictures import read_picture
from diagnosis.training.data_set.samples import Sample
from diagnosis.training.margin import margin_loss

ZOOM = (0.8, 1.15)


class Task(Protocol):
    """One kind of network, seen from the loop that trains it."""

    @property
    def classes(self) -> tuple[str, ...]:
        """What the outputs mean, in order."""

    @property
    def metric(self) -> str:
        """What is to be high on val, in words."""

    def load(self, sample: Sample) -> tuple[Tensor, Tensor]:
        """Read (3, S, S) uint8 with its target, int64.

        Raises:
            DataSetRefused: a file is damaged.
        """

    def augment(
        self, images: Tensor, targets: Tensor, generator: torch.Generator
    ) -> tuple[Tensor, Tensor]:
        """Change normalised (B, 3, S, S) at random, with their targets."""

    def loss(self, logits: Tensor, targets: Tensor) -> Tensor:
        """A number to minimise, with a gradient."""

    def tally(self, logits: Tensor, targets: Tensor, weights: Tensor) -> Tensor:
        """Counts over a batch, float64; those of several batches add up."""

    def score(self, tally: Tensor) -> float:
        """The metric of counts, 0 to 1."""


@dataclass(frozen=True)
class Segmentation:
    """Labels every pixel; the score is the mean Dice of what is not background."""

    classes: tuple[str, ...]
    size: int
    class_weights: Tensor | None = None
    metric: str = "mean Dice without background"

    def load(self, sample: Sample) -> tuple[Tensor, Tensor]:
        """Read a letterboxed image with its mask (S, S)."""
        picture, mask = load_masked(sample, self.classes)
        box = Letterbox.of(mask.shape, (self.size, self.size))
        bands = [box.place(band) for band in np.moveaxis(picture, -1, 0)]
        return (
            torch.from_numpy(np.stack(bands)),
            torch.from_numpy(box.place(mask, nearest=True)).long(),
        )

    def augment(
        self, images: Tensor, targets: Tensor, generator: torch.Generator
    ) -> tuple[Tensor, Tensor]:
        """Mirror, turn, scale, shift and relight."""
        return move(
            relight(images, generator),
            targets,
            size=self.size,
            zoom=ZOOM,
            generator=generator,
        )

    def loss(self, logits: Tensor, targets: Tensor) -> Tensor:
        """Mean cross-entropy + 1 − Dice (UPJO paper, eq. 7)."""
        weights = self.class_weights
        criterion: Callable[[Tensor, Tensor], Tensor] = DiceCELoss(
            to_onehot_y=True,
            softmax=True,
            squared_pred=True,
            batch=True,
            weight=None if weights is None else weights.to(logits.device),
        )
        return criterion(logits, targets.unsqueeze(1))

    def tally(self, logits: Tensor, targets: Tensor, weights: Tensor) -> Tensor:
        """(K, K) pixels: row the truth, column the answer, images weighted."""
        count = len(self.classes)
        pairs = targets * count + logits.argmax(dim=1)
        return torch.stack(
            [
                weight * torch.bincount(pair.flatten(), minlength=count**2).double()
                for weight, pair in zip(weights, pairs, strict=True)
            ]
        ).sum(dim=0)

    def score(self, tally: Tensor) -> float:
        """Mean Dice of the classes that occur, the background left out."""
        pixels = tally.reshape(len(self.classes), len(self.classes))
        both = pixels.sum(dim=0) + pixels.sum(dim=1)
        dice = 2 * pixels.diagonal()[1:] / both[1:]
        return float(dice[both[1:] > 0].mean()) if both[1:].any() else 0.0


@dataclass(frozen=True)
class Classification:
    """Names the class of an image; the score is accuracy, each exam alike."""

    classes: tuple[str, ...]
    size: int
    class_weights: Tensor | None = None
    by_length: bool = False
    metric: str = "accuracy, every exam weighing the same"

    def load(self, sample: Sample) -> tuple[Tensor, Tensor]:
        """Read an image, stretched to the square, with its class."""
        picture = resize(read_picture(sample.path), (self.size, self.size))
        return (
            torch.from_numpy(np.moveaxis(picture, -1, 0).copy()),
            torch.tensor(self.classes.index(sample.label or "")),
        )

    def augment(
        self, images: Tensor, targets: Tensor, generator: torch.Generator
    ) -> tuple[Tensor, Tensor]:
        """Mirror, turn, scale, shift and relight: the grade stays as it is."""
        return move_images(
            relight(images, generator), zoom=ZOOM, generator=generator
        ), targets

    def loss(self, logits: Tensor, targets: Tensor) -> Tensor:
        """Cross-entropy, classes weighted; of capsules' lengths the margin loss."""
        weights = self.class_weights
        if weights is not None:
            weights = weights.to(logits.device)
        criterion = margin_loss if self.by_length else F.cross_entropy
        return criterion(logits, targets, weights)

    def tally(self, logits: Tensor, targets: Tensor, weights: Tensor) -> Tensor:
        """(2,): the weight of what is right, the weight of all."""
        right = (logits.argmax(dim=1) == targets).double()
        return torch.stack(((weights * right).sum(), weights.sum()))

    def score(self, tally: Tensor) -> float:
        """What is right ÷ all."""
        return float(tally[0] / tally[1])


def load_masked(sample: Sample, classes: Sequence[str]) -> tuple[Pixels, Pixels]:
    """An image (H, W, 3) and its mask (H, W), in their own size.

    Raises:
        DataSetRefused: a file is damaged, or there is no mask.
    """
    picture = read_picture(sample.path)
    assert sample.mask is not None  # noqa: S101 (the reading refused it)
    size = (picture.shape[0], picture.shape[1])
    return picture, read_mask(sample.mask, size, classes)


def balanced(labels: Sequence[str | None], classes: Sequence[str]) -> Tensor:
    """Weigh each class so that all weigh the same, however often they occur."""
    return balancing(np.array([list(labels).count(name) for name in classes]))
