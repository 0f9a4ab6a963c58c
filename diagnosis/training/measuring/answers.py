"""A trained network's answers to the images of a data set."""

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor, nn
from tqdm import tqdm

from diagnosis.grading.framing import Letterbox
from diagnosis.networks.catalogue import CATALOGUE
from diagnosis.training.data_set.samples import Sample, exam_weights
from diagnosis.training.fitting.batches import Share, batches, measuring_draws
from diagnosis.training.fitting.tasks import (
    Classification,
    Segmentation,
    Task,
    load_masked,
)
from diagnosis.training.fitting.trained import Trained
from diagnosis.training.fitting.training import SEGMENTATION
from diagnosis.training.measuring.predictions import Numbers, Predictions
from diagnosis.training.measuring.segmentation import Marked, count_pixels

BATCH = 16
TINY = 1e-12  # a capsule of no length has a logarithm, too


Answers = Predictions | Marked


def answer(network: nn.Module, trained: Trained, samples: Sequence[Sample]) -> Answers:
    """Ask a trained network, whatever its task, about every sample."""
    spec, size = CATALOGUE[trained.part.network], trained.part.size
    if spec.task == SEGMENTATION:
        return segment(network, Segmentation(trained.classes, size), samples)
    naming = Classification(trained.classes, size, by_length=spec.answers_in_lengths)
    return classify(network, naming, samples)


def classify(
    network: nn.Module, task: Classification, samples: Sequence[Sample]
) -> Predictions:
    """Ask a classifier about every sample.

    Capsules' lengths count by their logarithms: softmax gives each class its share.
    """
    keep = _logarithms if task.by_length else lambda logits: logits
    answers = _ask(network, task, samples, keep)
    return Predictions(
        logits=torch.cat(answers).double().numpy(),
        truth=np.array([task.classes.index(s.label or "") for s in samples]),
        groups=group_numbers(samples),
        weights=np.array(exam_weights(samples)),
        classes=task.classes,
    )


def segment(
    network: nn.Module, task: Segmentation, samples: Sequence[Sample]
) -> Marked:
    """Ask a segmenter about every sample, and count pixels in the image's own size."""
    masks = _ask(
        network, task, samples, lambda logits: logits.argmax(dim=1).to(torch.uint8)
    )
    counts = []
    for sample, answer in zip(samples, torch.cat(masks).numpy(), strict=True):
        _, truth = load_masked(sample, task.classes)
        size = (truth.shape[0], truth.shape[1])
        own = Letterbox.of(size, (task.size, task.size)).remove(answer, size)
        counts.append(count_pixels(truth, own, len(task.classes)))
    return Marked(
        pixels=np.stack(counts),
        groups=group_numbers(samples),
        weights=np.array(exam_weights(samples)),
        classes=task.classes,
    )


def group_numbers(samples: Sequence[Sample]) -> Numbers:
    """Count the groups from 0, in the order of their names."""
    return np.unique([sample.group for sample in samples], return_inverse=True)[1]


@torch.inference_mode()
def _ask(
    network: nn.Module,
    task: Task,
    samples: Sequence[Sample],
    keep: Callable[[Tensor], Tensor],
) -> list[Tensor]:
    """What is to be kept of the answers to each batch, on the CPU."""
    device = next(network.parameters()).device
    draws = measuring_draws(len(samples), batch=BATCH, share=Share())
    made = batches(task, samples, draws, workers=0)
    count = len(task.classes)
    return [
        keep(network(images.to(device))[:, :count].float()).cpu()
        for images, _, _ in tqdm(made, total=len(draws), disable=None, unit="batch")
    ]


def _logarithms(lengths: Tensor) -> Tensor:
    return lengths.clamp(min=TINY).log()
