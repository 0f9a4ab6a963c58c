"""From a data set and a recipe to a folder with a trained network."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from diagnosis.networks.catalogue import CATALOGUE, NetworkSpec, Width
from diagnosis.networks.counting import count_parameters
from diagnosis.training.data_set.reading import Source, check_files, read_data_set
from diagnosis.training.data_set.samples import DataSet
from diagnosis.training.errors import DataSetRefused, RunRefused
from diagnosis.training.fitting.card import Origin, write_card
from diagnosis.training.fitting.checkpoint import Progress, write_or_stop
from diagnosis.training.fitting.loop import Run, fit
from diagnosis.training.fitting.machine import Machine
from diagnosis.training.fitting.settings import BALANCED, Settings, paper_settings
from diagnosis.training.fitting.tasks import (
    Classification,
    Segmentation,
    Task,
    balanced,
)
from diagnosis.training.fitting.trained import save_trained

SEGMENTATION = "segmentation"


@dataclass(frozen=True)
class Job:
    """What somebody asks to be trained.

    Attributes:
        network: its name in the catalogue.
        source: the data set.
        out: receives everything.
        changes: of the papers' recipe, by the names in ``Settings``.
        origin: of the images, for the card.
        workers: processes that read files.
    """

    network: str
    source: Source
    out: Path
    changes: dict[str, Any]
    origin: Origin
    workers: int = 0


def train_network(job: Job, machine: Machine, tell: Callable[[str], None]) -> Progress:
    """Check everything, train, then write weights, description and card.

    Raises:
        DataSetRefused: the data set cannot be learnt from.
        RunRefused: settings contradict each other, or the folder's other run.
        TrainingStopped: the loss is no number, or the disk is full.
        ShapeError: the network cannot read squares of the size asked for.
    """
    spec = CATALOGUE[job.network]
    data = read_data_set(job.source, segmentation=spec.task == SEGMENTATION)
    settings = _settings(job, spec, data)
    _check_splits(spec, data)
    tell(f"checks {len(data.samples)} images")
    data_sha256 = check_files(data, segmentation=spec.task == SEGMENTATION)
    task = task_of(spec, settings, data)
    run = Run(
        folder=job.out,
        settings=settings,
        task=task,
        train=data.of("train"),
        val=data.of("val"),
        data_sha256=data_sha256,
        machine=machine,
        workers=job.workers,
        tell=tell,
    )
    network, progress = fit(run)
    if machine.chief:
        trained = save_trained(job.out, network, settings, data_sha256=data_sha256)
        card = write_card(
            settings,
            data,
            progress,
            origin=job.origin,
            metric=task.metric,
            parameters=count_parameters(network),
            about={
                "file": trained.part.file,
                "sha256": trained.part.sha256,
                "data_sha256": data_sha256,
            },
        )
        write_or_stop(job.out / "MODEL_CARD.md", card.encode())
    return progress


def task_of(spec: NetworkSpec, settings: Settings, data: DataSet) -> Task:
    """How the network's samples are read and judged."""
    if spec.task == SEGMENTATION:
        return Segmentation(data.classes, settings.size, _weights(settings, data))
    return Classification(
        data.classes,
        settings.size,
        _weights(settings, data),
        by_length=spec.answers_in_lengths,
    )


def outputs(spec: NetworkSpec, width: Width, size: int) -> int:
    """How many classes a network can tell apart; nothing is computed.

    Raises:
        ShapeError: it cannot read squares of this size.
    """
    with torch.device("meta"), torch.inference_mode():
        answer: Tensor = spec.build(width).eval()(torch.empty(1, 3, size, size))
    return answer.shape[1]


def _settings(job: Job, spec: NetworkSpec, data: DataSet) -> Settings:
    settings = replace(
        paper_settings(
            job.network,
            data.classes,
            size=spec.size,
            segmentation=spec.task == SEGMENTATION,
        ),
        **job.changes,
    )
    most = outputs(spec, settings.width, settings.size)
    if len(data.classes) > most:
        raise RunRefused(
            f"{job.network} tells {most} classes apart, and this data set has"
            f" {len(data.classes)}: {', '.join(data.classes)}."
        )
    weights = settings.class_weights
    if weights == BALANCED and spec.task == SEGMENTATION:
        raise RunRefused(
            "Balanced class weights need labels; give a segmenter one number a class."
        )
    if not isinstance(weights, str) and len(weights) != len(data.classes):
        raise RunRefused(
            f"There are {len(weights)} class weights for {len(data.classes)} classes."
        )
    return settings


def _weights(settings: Settings, data: DataSet) -> Tensor | None:
    weights = settings.class_weights
    if weights == BALANCED:
        return balanced([sample.label for sample in data.of("train")], data.classes)
    return None if isinstance(weights, str) else torch.tensor(weights)


def _check_splits(spec: NetworkSpec, data: DataSet) -> None:
    for split in ("train", "val"):
        if not data.of(split):
            raise DataSetRefused(f"No sample is in {split}.")
    if spec.task != SEGMENTATION:
        labels = {sample.label for sample in data.of("train")}
        present = {sample.label for sample in data.samples}
        lacking = sorted(str(label) for label in present - labels)
        if lacking:
            raise DataSetRefused(f"No sample of {lacking[0]} is in train.")
