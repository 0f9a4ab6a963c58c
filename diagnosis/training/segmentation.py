"""Teaching a segmenter to outline kidney and fluid, from whatever is known of them."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from monai.losses.dice import DiceCELoss
from torch import Tensor, nn

from diagnosis.grading.framing import Pixels
from diagnosis.grading.tensors import normalise
from diagnosis.training.augmentation import move, relight
from diagnosis.training.dataset import Tell
from diagnosis.training.material import Flags, Material, Numbers, squared


@dataclass(frozen=True)
class Phase:
    """A stretch of training at one input size.

    Attributes:
        size: side of the square input, in pixels.
        epochs: passes over what an epoch draws.
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

    The paper: Adam 0.005 × 0.9 per epoch, 200 epochs, batch 8, all at 473². Ours is
    shortened for two CPU cores: fewer epochs of the same decay from a lower rate,
    most of them small. The last phase's size is the one that it is used at.
    """

    rate: float = 0.003
    decay: float = 0.9
    phases: tuple[Phase, ...] = (
        Phase(97, 16, 8, (0.75, 1.15)),
        Phase(161, 4, 8, (0.75, 1.15)),
    )

    @property
    def size(self) -> int:
        """Side of the input that the trained network reads."""
        return self.phases[-1].size


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


def partial_loss(logits: Tensor, labels: Tensor, outlined: Tensor) -> Tensor:
    """The segmentation loss of frames of which some do not know the kidney.

    Where it is not known, background and kidney are one class, whose probability is
    the sum of both (the marginal loss of Shi et al. 2021, Med Image Anal 70:101979).

    Args:
        logits: (B, 3, H, W).
        labels: (B, H, W), 0 background, 1 kidney, 2 fluid.
        outlined: (B,) whether the kidney is known.

    Returns:
        The mean over both sorts of frames, weighted by how many there are.
    """
    criterion = segmentation_loss()
    total = logits.new_zeros(())
    if outlined.any():
        own = criterion(logits[outlined], labels[outlined].unsqueeze(1))
        total = total + own * outlined.sum()
    if not outlined.all():
        unknown = ~outlined
        rest = logits[unknown, :2].logsumexp(dim=1)
        fluid = (labels[unknown] == 2).long()
        own = criterion(
            torch.stack((rest, logits[unknown, 2]), dim=1), fluid.unsqueeze(1)
        )
        total = total + own * unknown.sum()
    return total / len(logits)


def train_segmenter(
    network: nn.Module,
    material: Material,
    recipe: SegmentationRecipe,
    *,
    seed: int,
    tell: Tell,
    after_epoch: Callable[[nn.Module], None],
) -> None:
    """Train in place.

    Args:
        network: (B, 3, H, W) → (B, 3, H, W) logits.
        material: what to learn from.
        recipe: the schedule.
        seed: of draws and augmentation.
        tell: is given a line per epoch.
        after_epoch: may keep a snapshot.
    """
    generator = torch.Generator().manual_seed(seed)
    rng = np.random.default_rng(seed)
    optimiser = torch.optim.Adam(network.parameters(), lr=recipe.rate)
    schedule = torch.optim.lr_scheduler.ExponentialLR(optimiser, recipe.decay)
    frames, masks = squared(material, recipe.size)
    for phase in recipe.phases:
        for epoch in range(phase.epochs):
            network.train()
            losses = [
                _step(network, batch, optimiser)
                for batch in _batches(
                    (frames, masks, material.outlined),
                    material.draw(rng),
                    phase,
                    generator,
                )
            ]
            schedule.step()
            mean = sum(losses) / len(losses)
            tell(
                f"segmenter at {phase.size}², epoch {epoch + 1}/{phase.epochs}:"
                f" loss {mean:.4f}"
            )
            after_epoch(network)


def _batches(
    material: tuple[Pixels, Pixels, Flags],
    drawn: Numbers,
    phase: Phase,
    generator: torch.Generator,
) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    """Augmented, the incomplete last one left out."""
    frames, masks, outlined = material
    for start in range(0, len(drawn) - phase.batch + 1, phase.batch):
        chosen = drawn[start : start + phase.batch]
        images, labels = move(
            relight(normalise(frames[chosen]).unsqueeze(1), generator),
            torch.from_numpy(masks[chosen]),
            size=phase.size,
            zoom=phase.zoom,
            generator=generator,
        )
        images = images.expand(-1, 3, -1, -1)
        yield (
            images.contiguous(memory_format=torch.channels_last),
            labels,
            torch.from_numpy(outlined[chosen]),
        )


def _step(
    network: nn.Module,
    batch: tuple[Tensor, Tensor, Tensor],
    optimiser: torch.optim.Optimizer,
) -> float:
    images, labels, outlined = batch
    loss = partial_loss(network(images), labels, outlined)
    optimiser.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call]
    optimiser.step()
    return float(loss.detach())
