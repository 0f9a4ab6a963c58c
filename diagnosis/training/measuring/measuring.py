"""From weights and a data set to a report."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from diagnosis.networks.catalogue import CATALOGUE
from diagnosis.training.data_set.reading import Source, check_files, read_data_set
from diagnosis.training.errors import DataSetRefused, RunRefused
from diagnosis.training.fitting.trained import Trained, load_trained
from diagnosis.training.fitting.training import SEGMENTATION
from diagnosis.training.measuring.answers import answer, group_numbers
from diagnosis.training.measuring.reports import (
    Report,
    Resampling,
    report_of,
    without_nan,
)

FORMAT = "anamnesis-measurement-1"
ALL = "all"


@dataclass(frozen=True)
class Question:
    """What somebody wants measured.

    Attributes:
        network: its name in the catalogue.
        weights: a folder that train_network wrote, or the file in it.
        source: the data set; its classes are the network's, and so are its fold and
            seed unless somebody says others.
        seed: of the split where the data set has none; None is the network's.
        split: train, val, test, or all whatever their split.
        resampling: for the intervals.
    """

    network: str
    weights: Path
    source: Source
    seed: int | None
    split: str
    resampling: Resampling


def validate_network(question: Question, tell: Callable[[str], None]) -> Report:
    """Check everything, ask the network, measure.

    Returns:
        Plain values; no NaN, but None.

    Raises:
        DataSetRefused: the data set cannot be measured on.
        RunRefused: the weights are of another network.
        WeightsRejected: there are no weights, or they are damaged.
    """
    trained, network = load_trained(question.weights)
    if trained.part.network != question.network:
        raise RunRefused(
            f"{question.weights} holds {trained.part.network}, not {question.network}."
        )
    segmentation = CATALOGUE[question.network].task == SEGMENTATION
    data = read_data_set(_source(question, trained), segmentation=segmentation)
    samples = data.samples if question.split == ALL else data.of(question.split)
    if not samples:
        raise DataSetRefused(f"No sample is in {question.split}.")
    tell(f"checks {len(data.samples)} images")
    data_sha256 = check_files(data, segmentation=segmentation)
    tell(f"measures on {len(samples)} images of {question.split}")
    val = () if question.split in ("val", ALL) else data.of("val")
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    network = network.to(device)
    report = report_of(
        answer(network, trained, samples),
        answer(network, trained, val) if val else None,
        question.resampling,
    )
    whole: Report = without_nan(
        {
            "format": FORMAT,
            "network": question.network,
            "weights_sha256": trained.part.sha256,
            "classes": list(trained.classes),
            "split": question.split,
            "images": len(samples),
            "groups": len(set(group_numbers(samples).tolist())),
            "data_sha256": data_sha256,
            "is_the_data_set_it_learnt_from": data_sha256 == trained.data_sha256,
            "intervals": f"95 %, percentile bootstrap of"
            f" {question.resampling.resamples} draws of whole groups",
        }
        | report
    )
    return whole


def _source(question: Question, trained: Trained) -> Source:
    """Split as in training, or the network would be measured on what it learnt."""
    recipe, source = trained.recipe, question.source
    return replace(
        source,
        classes=trained.classes,
        fold=recipe.get("fold") if source.fold is None else source.fold,
        seed=recipe.get("seed", 0) if question.seed is None else question.seed,
        split=question.split != ALL,
    )
