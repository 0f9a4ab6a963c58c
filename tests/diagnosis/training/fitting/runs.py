"""Small runs of the training loop."""

from dataclasses import replace
from pathlib import Path

import torch

from diagnosis.networks.catalogue import CATALOGUE, Width
from diagnosis.training.data_set.reading import Source, check_files, read_data_set
from diagnosis.training.fitting.loop import Run
from diagnosis.training.fitting.machine import Machine
from diagnosis.training.fitting.settings import paper_settings
from diagnosis.training.fitting.training import task_of


def small_run(data_folder: Path, folder: Path, *, network="ResNet-34", **changes):
    """A run on two epochs of whatever the folder holds."""
    spec = CATALOGUE[network]
    segmentation = spec.task == "segmentation"
    data = read_data_set(Source(data_folder), segmentation=segmentation)
    settings = replace(
        paper_settings(network, data.classes, size=97, segmentation=segmentation),
        **{"width": Width.QUARTER, "epochs": 2, "batch": 4} | changes,
    )
    return Run(
        folder=folder,
        settings=settings,
        task=task_of(spec, settings, data),
        train=data.of("train"),
        val=data.of("val"),
        data_sha256=check_files(data, segmentation=segmentation),
        machine=Machine(torch.device("cpu")),
        workers=0,
        tell=lambda line: None,
    )
