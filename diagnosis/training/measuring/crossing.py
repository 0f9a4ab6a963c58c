"""Several networks, each measured on folds that it has not learnt from."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from diagnosis.networks.catalogue import CATALOGUE
from diagnosis.training.data_set.reading import Source, check_files, read_data_set
from diagnosis.training.data_set.samples import DataSet
from diagnosis.training.errors import DataSetRefused, RunRefused
from diagnosis.training.fitting.card import Origin
from diagnosis.training.fitting.machine import Machine
from diagnosis.training.fitting.settings import LAST_EPOCH
from diagnosis.training.fitting.trained import load_trained
from diagnosis.training.fitting.training import SEGMENTATION, Job, train_network
from diagnosis.training.measuring import classification, segmentation
from diagnosis.training.measuring.answers import Answers, answer
from diagnosis.training.measuring.bootstrap import intervals
from diagnosis.training.measuring.classification import Figures
from diagnosis.training.measuring.predictions import Numbers, join
from diagnosis.training.measuring.reports import (
    SEED,
    Report,
    Resampling,
    nested,
    report_of,
    without_nan,
)
from diagnosis.training.measuring.segmentation import Marked

FORMAT = "anamnesis-cross-validation-1"


@dataclass(frozen=True)
class Trial:
    """What somebody wants compared.

    Attributes:
        networks: their names in the catalogue, of one task.
        source: a data set whose samples say their fold.
        out: receives a trained network for each network and fold.
        changes: of the papers' recipe, the same for all.
        rates: of Adam in the first epoch, for networks that need their own.
        origin: of the images.
        resampling: for the intervals.
        workers: processes that read files.
    """

    networks: tuple[str, ...]
    source: Source
    out: Path
    changes: dict[str, Any]
    rates: dict[str, float]
    origin: Origin
    resampling: Resampling
    workers: int = 0


def cross_validate(
    trial: Trial, machine: Machine, tell: Callable[[str], None]
) -> Report:
    """Train each network once for each fold, on the others, and measure it there.

    Nothing is chosen on what is measured: the last epoch's weights answer. The
    answers of all folds are pooled, so every sample is answered once, by a network
    that knows neither it nor its patient. Killed, the same call goes on.

    Returns:
        Plain values: of each network what ``validate_network`` gives, the same of
        each fold, and how far the first network lies above it, with intervals over
        patients drawn for both alike.

    Raises:
        DataSetRefused: it has no folds, or cannot be learnt from.
        RunRefused: networks of two tasks, or settings that contradict each other.
    """
    task = _task(trial.networks)
    segmenting = task == SEGMENTATION
    data = read_data_set(replace(trial.source, split=False), segmentation=segmenting)
    folds = folds_of(data)
    asked = {
        name: [_ask(trial, name, fold, machine, tell) for fold in folds]
        for name in trial.networks
    }
    answers = {name: join(parts) for name, parts in asked.items()}
    first = answers[trial.networks[0]]
    exams = first.groups
    report: Report = without_nan(
        {
            "format": FORMAT,
            "task": task,
            "classes": list(first.classes),
            "images": len(exams),
            "groups": len(set(exams.tolist())),
            "folds": folds,
            "data_sha256": check_files(data, segmentation=segmenting),
            "recipe": trial.changes | {"keep": LAST_EPOCH},
            "rates": trial.rates,
            "intervals": f"95 %, percentile bootstrap of {trial.resampling.resamples}"
            " draws of whole groups",
            "networks": {
                name: report_of(whole, None, trial.resampling)
                | {"each_fold": [_figures(part.by_exam()) for part in asked[name]]}
                for name, whole in answers.items()
            },
            "first_above": {
                name: difference(first, answers[name], trial.resampling)
                for name in trial.networks[1:]
            },
        }
    )
    return report


def folds_of(data: DataSet) -> list[int]:
    """The folds that the samples name, test apart.

    Raises:
        DataSetRefused: there are fewer than two, or a sample names none.
    """
    usual = [sample for sample in data.samples if sample.split != "test"]
    bare = next((sample for sample in usual if sample.fold is None), None)
    if bare:
        raise DataSetRefused(
            f"{bare.path} is in no fold: a list with a column fold says which samples"
            " are measured on together."
        )
    folds = sorted({sample.fold for sample in usual if sample.fold is not None})
    if len(folds) < 2:
        raise DataSetRefused(f"All samples are in fold {folds[0]}: two would do.")
    return folds


def difference(one: Answers, other: Answers, resampling: Resampling) -> Report:
    """How far the figures of ``one`` lie above those of ``other``, each exam alike.

    Both answered the same samples. Each resample draws the same patients for
    both, so what is hard for both cancels out (a paired bootstrap).
    """
    one, other = one.by_exam(), other.by_exam()

    def apart(numbers: Numbers) -> Figures:
        upper, lower = _figures(one, numbers), _figures(other, numbers)
        return {name: upper[name] - lower[name] for name in upper}

    return nested(
        intervals(apart, one.groups, resamples=resampling.resamples, seed=SEED)
    )


def _task(networks: Sequence[str]) -> str:
    tasks = {CATALOGUE[name].task for name in networks}
    if len(tasks) > 1:
        raise RunRefused("Segmenters and classifiers cannot be compared.")
    return tasks.pop()


def _ask(
    trial: Trial, name: str, fold: int, machine: Machine, tell: Callable[[str], None]
) -> Answers:
    """Train on the other folds, or go on with it, then ask about this one."""
    out = trial.out / name / f"fold-{fold}"
    tell(f"{name}, fold {fold}")
    source = replace(trial.source, fold=fold)
    changes = trial.changes | {"fold": fold, "keep": LAST_EPOCH}
    if name in trial.rates:
        changes |= {"rate": trial.rates[name]}
    job = Job(name, source, out, changes, trial.origin, trial.workers)
    train_network(job, machine, tell)
    trained, network = load_trained(out)
    data = read_data_set(source, segmentation=CATALOGUE[name].task == SEGMENTATION)
    return answer(network.to(machine.device), trained, data.of("val"))


def _figures(answers: Answers, numbers: Numbers | None = None) -> Figures:
    if numbers is None:
        numbers = np.arange(len(answers.groups))
    if isinstance(answers, Marked):
        return segmentation.figures(answers, numbers)
    return classification.figures(answers.take(numbers))
