"""Teaching A-PSPNet to outline kidney and fluid."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from monai.losses.dice import DiceCELoss
from torch import Tensor, nn

from diagnosis.grading.framing import Letterbox, Pixels
from diagnosis.grading.tensors import normalise
from diagnosis.training.augmentation import move, relight
from diagnosis.training.dataset import PhantomSet, Tell


@dataclass(frozen=True)
class Phase:
    """A stretch of training at one input size.

    Attributes:
        size: side of the square input, in pixels.
        epochs: passes over the set.
        batch: images per step.
        zoom: the least and the greatest share of a frame's side that is seen. At
            half the size, half the side shows the texture of the full size.
    """

    size: int
    epochs: int
    batch: int
    zoom: tuple[float, float]


@dataclass(frozen=True)
class SegmentationRecipe:
    """How the segmenter is trained.

    The paper: Adam 0.005 × 0.9 per epoch, 200 epochs, batch 8, all at 473².
    Ours is shortened for two CPU cores: 22 epochs of the same decay from a lower
    rate, most of them at a third or half of the size.
    """

    rate: float = 0.003
    decay: float = 0.9
    phases: tuple[Phase, ...] = (
        Phase(161, 12, 8, (0.4, 1.15)),
        Phase(241, 8, 8, (0.6, 1.15)),
        Phase(473, 2, 8, (0.9, 1.15)),
    )


def segmentation_loss() -> Callable[[Tensor, Tensor], Tensor]:
    """The loss of the paper, corrected.

    L = mean cross-entropy + 1 − Dice      UPJO paper, eq. 7

    Differs from the paper: it prints the cross-entropy as a sum over 223,729
    pixels, which would drown the Dice term.

    Returns:
        Of logits (B, K, H, W) with labels (B, 1, H, W).
    """
    loss: Callable[[Tensor, Tensor], Tensor] = DiceCELoss(
        to_onehot_y=True, softmax=True, squared_pred=True, batch=True
    )
    return loss


def train_segmenter(
    network: nn.Module,
    phantoms: PhantomSet,
    recipe: SegmentationRecipe,
    *,
    seed: int,
    tell: Tell,
    after_epoch: Callable[[nn.Module], None],
) -> None:
    """Train in place.

    Args:
        network: (B, 3, H, W) → (B, 3, H, W) logits.
        phantoms: what to learn from.
        recipe: the schedule.
        seed: of order and augmentation.
        tell: is given a line per epoch.
        after_epoch: may keep a snapshot.
    """
    generator = torch.Generator().manual_seed(seed)
    optimiser = torch.optim.Adam(network.parameters(), lr=recipe.rate)
    schedule = torch.optim.lr_scheduler.ExponentialLR(optimiser, recipe.decay)
    criterion = segmentation_loss()
    frames, masks = squared(phantoms, max(phase.size for phase in recipe.phases))
    for phase in recipe.phases:
        for epoch in range(phase.epochs):
            network.train()
            losses = [
                _step(network, images, labels, criterion, optimiser)
                for images, labels in _batches(frames, masks, phase, generator)
            ]
            schedule.step()
            mean = sum(losses) / len(losses)
            tell(
                f"segmenter at {phase.size}², epoch {epoch + 1}/{phase.epochs}:"
                f" loss {mean:.4f}"
            )
            after_epoch(network)


def squared(phantoms: PhantomSet, size: int) -> tuple[Pixels, Pixels]:
    """Frames and masks as the segmenter sees them, (N, size, size) uint8 each."""
    box = Letterbox.of(phantoms.frames.shape[1:], (size, size))
    frames = np.stack([box.place(frame) for frame in phantoms.frames])
    masks = np.stack([box.place(mask, nearest=True) for mask in phantoms.masks])
    return frames, masks


def _batches(
    frames: Pixels,
    masks: Pixels,
    phase: Phase,
    generator: torch.Generator,
) -> Iterator[tuple[Tensor, Tensor]]:
    """Shuffled, augmented, the incomplete last one left out."""
    order = torch.randperm(len(frames), generator=generator).numpy()
    for start in range(0, len(order) - phase.batch + 1, phase.batch):
        chosen = order[start : start + phase.batch]
        images, labels = move(
            relight(normalise(frames[chosen]).unsqueeze(1), generator),
            torch.from_numpy(masks[chosen]),
            size=phase.size,
            zoom=phase.zoom,
            generator=generator,
        )
        images = images.expand(-1, 3, -1, -1)
        yield images.contiguous(memory_format=torch.channels_last), labels


def _step(
    network: nn.Module,
    images: Tensor,
    labels: Tensor,
    criterion: Callable[[Tensor, Tensor], Tensor],
    optimiser: torch.optim.Optimizer,
) -> float:
    with torch.autocast("cpu", torch.bfloat16):
        logits = network(images)
    loss = criterion(logits.float(), labels.unsqueeze(1))
    optimiser.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call]
    optimiser.step()
    return float(loss.detach())
