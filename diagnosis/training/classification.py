"""Teaching a classifier to grade merged pictures."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 (the field's own name for it)

from diagnosis.grading.framing import Pixels
from diagnosis.grading.tensors import to_batch
from diagnosis.training.augmentation import mirror, relight
from diagnosis.training.balancing import balancing
from diagnosis.training.dataset import Tell
from diagnosis.training.material import Material


@dataclass(frozen=True)
class ClassificationRecipe:
    """How the classifier is trained.

    The paper: batch 32, 50 epochs at 224², Adam × 0.9 per epoch, an initial rate per
    network, class weights 0.3 : 0.6 : 0.1. Ours is shortened for two CPU cores.

    Attributes:
        class_weights: one for each grade; None balances them, so that every
            grade weighs the same however many pictures it has. (The paper's give
            the surgical grade the least weight.)
        size: side of the square input, in pixels.
    """

    rate: float = 0.001
    decay: float = 0.8
    epochs: int = 8
    batch: int = 32
    class_weights: tuple[float, float, float] | None = None
    size: int = 128


def train_classifier(
    network: nn.Module,
    pictures: Pixels,
    material: Material,
    recipe: ClassificationRecipe,
    *,
    seed: int,
    tell: Tell,
    after_epoch: Callable[[nn.Module], None],
) -> None:
    """Train in place.

    Args:
        network: (B, 3, H, W) → (B, 3) logits.
        pictures: (N, H, W, 3) uint8, merged and cropped.
        material: N frames with grades, of which the pictures were made.
        recipe: the schedule.
        seed: of draws and augmentation.
        tell: is given a line per epoch.
        after_epoch: may keep a snapshot.
    """
    generator = torch.Generator().manual_seed(seed)
    rng = np.random.default_rng(seed)
    optimiser = torch.optim.Adam(network.parameters(), lr=recipe.rate)
    schedule = torch.optim.lr_scheduler.ExponentialLR(optimiser, recipe.decay)
    targets = torch.from_numpy(material.grades)
    weights = recipe.class_weights
    for epoch in range(recipe.epochs):
        network.train()
        drawn = material.draw(rng)
        even = balancing(material.grades[drawn].sum(axis=0))
        weighing = torch.tensor(weights) if weights else even
        losses = []
        batch = min(recipe.batch, len(drawn))
        for start in range(0, len(drawn) - batch + 1, batch):
            chosen = drawn[start : start + batch]
            images = relight(mirror(to_batch(pictures[chosen]), generator), generator)
            losses.append(_step(network, images, targets[chosen], weighing, optimiser))
        schedule.step()
        tell(
            f"classifier epoch {epoch + 1}/{recipe.epochs}:"
            f" loss {sum(losses) / len(losses):.4f}"
        )
        after_epoch(network)


def _step(
    network: nn.Module,
    images: Tensor,
    targets: Tensor,
    weights: Tensor,
    optimiser: torch.optim.Optimizer,
) -> float:
    logits = network(images.contiguous(memory_format=torch.channels_last))
    loss: Tensor = F.cross_entropy(logits, targets, weight=weights)
    optimiser.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call]
    optimiser.step()
    return float(loss.detach())
