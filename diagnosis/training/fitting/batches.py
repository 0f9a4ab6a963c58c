"""Samples in batches, drawn and changed by the place where training is."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from diagnosis.grading.tensors import DEVIATION, MEAN
from diagnosis.training.data_set.samples import Sample, at_most, exam_weights
from diagnosis.training.fitting.seeds import generator_at
from diagnosis.training.fitting.tasks import Task

Batch = tuple[Tensor, Tensor, Tensor]
"""Images (B, 3, S, S) float32 normalised, targets int64, weights (B,) float64."""


@dataclass(frozen=True)
class Draw:
    """Which samples make a batch.

    Attributes:
        numbers: into the samples.
        place: seeds the augmentation; None leaves the samples as they are.
    """

    numbers: tuple[int, ...]
    place: tuple[int, ...] | None


class Drawn(Dataset[Batch]):
    """The batches of draws; a worker process makes a whole batch."""

    def __init__(
        self, task: Task, samples: Sequence[Sample], draws: Sequence[Draw]
    ) -> None:
        self.task, self.samples, self.draws = task, samples, draws
        self.weights = torch.tensor(exam_weights(samples), dtype=torch.float64)

    def __len__(self) -> int:
        return len(self.draws)

    def __getitem__(self, index: int) -> Batch:
        draw = self.draws[index]
        pairs = [self.task.load(self.samples[number]) for number in draw.numbers]
        images = torch.stack([image for image, _ in pairs])
        targets = torch.stack([target for _, target in pairs])
        images = (images.float() / 255 - MEAN) / DEVIATION
        if draw.place is not None:
            images, targets = self.task.augment(
                images, targets, generator_at(*draw.place)
            )
        return images, targets, self.weights[list(draw.numbers)]


def batches(
    task: Task, samples: Sequence[Sample], draws: Sequence[Draw], *, workers: int
) -> Iterator[Batch]:
    """Make the batches in order, in worker processes where there are any."""
    yield from DataLoader(
        Drawn(task, samples, draws), batch_size=None, num_workers=workers
    )


@dataclass(frozen=True)
class Share:
    """Which part of every batch this process makes: ``rank`` of ``world``."""

    rank: int = 0
    world: int = 1


def training_draws(
    samples: Sequence[Sample],
    *,
    batch: int,
    seed: int,
    epoch: int,
    share: Share,
    augment: bool,
    per_exam: int | None = None,
) -> list[Draw]:
    """This process's part of an epoch, shuffled.

    The incomplete last batch is left out, but where there is no other: batch
    normalisation would weigh its few samples too much.

    Args:
        samples: that there are.
        batch: samples of a step, all processes together.
        seed: of the run.
        epoch: from 0.
        share: of this process.
        augment: change the samples at random.
        per_exam: as in ``Settings``.
    """
    order = torch.randperm(len(samples), generator=generator_at(seed, epoch)).tolist()
    order = first_of_each_exam(samples, order, per_exam)
    batch = min(batch, len(order))
    return [
        Draw(
            tuple(order[start : start + batch][share.rank :: share.world]),
            (seed, epoch, step, share.rank) if augment else None,
        )
        for step, start in enumerate(range(0, len(order) - batch + 1, batch))
    ]


def first_of_each_exam(
    samples: Sequence[Sample], order: Sequence[int], per_exam: int | None
) -> list[int]:
    """The numbers in ``order``, at most ``per_exam`` of an exam and label."""
    if per_exam is None:
        return list(order)
    return at_most(
        order,
        exam_of=lambda number: (samples[number].group, samples[number].label),
        most_of=lambda _: per_exam,
    )


def thinned(samples: Sequence[Sample], per_exam: int | None) -> list[Sample]:
    """At most ``per_exam`` of an exam and label, the same ones each time."""
    order = torch.randperm(len(samples), generator=generator_at(0)).tolist()
    chosen = sorted(first_of_each_exam(samples, order, per_exam))
    return [samples[number] for number in chosen]


def measuring_draws(count: int, *, batch: int, share: Share) -> list[Draw]:
    """This process's part of all samples, each once and as it is."""
    own = range(count)[share.rank :: share.world]
    return [
        Draw(tuple(own[start : start + batch]), None)
        for start in range(0, len(own), batch)
    ]
