"""Teaching ResNet-W to grade merged pictures."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from diagnosis.grading.framing import Pixels
from diagnosis.grading.scale import Grade
from diagnosis.grading.tensors import to_batch
from diagnosis.training.augmentation import mirror, relight
from diagnosis.training.dataset import Tell


@dataclass(frozen=True)
class ClassificationRecipe:
    """How the classifier is trained.

    The paper: batch 32, 50 epochs, Adam × 0.9 per epoch, an initial rate per
    network, class weights 0.3 : 0.6 : 0.1. Ours is shortened for two CPU cores.

    Attributes:
        class_weights: one for each grade; None balances them, so that every
            grade weighs the same however many pictures it has. (The paper's give
            the surgical grade the least weight.)
    """

    rate: float = 0.001
    decay: float = 0.85
    epochs: int = 12
    batch: int = 32
    class_weights: tuple[float, float, float] | None = None


def balanced_weights(grades: Sequence[Grade]) -> Tensor:
    """Weigh each grade i by n ÷ (3 nᵢ), one that does not occur by 0."""
    counts = np.array([grades.count(grade) for grade in Grade])
    weights = len(grades) / (len(Grade) * np.maximum(counts, 1)) * (counts > 0)
    return torch.tensor(weights, dtype=torch.float32)


def train_classifier(
    network: nn.Module,
    pictures: Pixels,
    grades: Sequence[Grade],
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
        grades: of each picture.
        recipe: the schedule.
        seed: of order and augmentation.
        tell: is given a line per epoch.
        after_epoch: may keep a snapshot.
    """
    generator = torch.Generator().manual_seed(seed)
    optimiser = torch.optim.Adam(network.parameters(), lr=recipe.rate)
    schedule = torch.optim.lr_scheduler.ExponentialLR(optimiser, recipe.decay)
    weights = recipe.class_weights
    criterion = nn.CrossEntropyLoss(
        torch.tensor(weights) if weights else balanced_weights(grades)
    )
    targets = torch.tensor([grade.output for grade in grades])
    for epoch in range(recipe.epochs):
        network.train()
        loss = 0.0
        order = torch.randperm(len(targets), generator=generator)
        for start in range(0, len(order), recipe.batch):
            chosen = order[start : start + recipe.batch]
            images = to_batch(pictures[chosen.numpy()])
            images = relight(mirror(images, generator), generator)
            loss += len(chosen) * _step(
                network, images, targets[chosen], criterion, optimiser
            )
        schedule.step()
        tell(
            f"classifier epoch {epoch + 1}/{recipe.epochs}:"
            f" loss {loss / len(targets):.4f}"
        )
        after_epoch(network)


def _step(
    network: nn.Module,
    images: Tensor,
    targets: Tensor,
    criterion: nn.Module,
    optimiser: torch.optim.Optimizer,
) -> float:
    with torch.autocast("cpu", torch.bfloat16):
        logits = network(images.contiguous(memory_format=torch.channels_last))
    loss: Tensor = criterion(logits.float(), targets)
    optimiser.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call]
    optimiser.step()
    return float(loss.detach())
