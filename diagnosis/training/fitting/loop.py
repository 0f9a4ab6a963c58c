"""Epoch after epoch, until the recipe or the patience ends."""

import csv
import io
import math
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import torch
from torch import Tensor, nn
from tqdm import tqdm

from diagnosis.grading.weights import channels_last
from diagnosis.networks.auxiliary import AllAnswers
from diagnosis.networks.catalogue import CATALOGUE
from diagnosis.training.data_set.samples import Sample
from diagnosis.training.errors import RunRefused, TrainingStopped
from diagnosis.training.fitting.batches import (
    Batch,
    Draw,
    batches,
    measuring_draws,
    thinned,
    training_draws,
)
from diagnosis.training.fitting.checkpoint import (
    BEST,
    CHECKPOINT,
    Epoch,
    Progress,
    load_best,
    resume,
    save_checkpoint,
    write_or_stop,
)
from diagnosis.training.fitting.machine import Machine
from diagnosis.training.fitting.seeds import seed_at
from diagnosis.training.fitting.settings import Settings
from diagnosis.training.fitting.tasks import Task

CURVES = "curves.csv"
AUXILIARY = 0.3
"""Weight of each auxiliary head's loss (Szegedy et al. 2014, section 5)."""


@dataclass(frozen=True)
class Run:
    """Everything that a training needs.

    Attributes:
        folder: holds the checkpoint, the curves and what comes out.
        settings: the recipe.
        task: how to read, change and judge samples.
        train: samples to learn from.
        val: samples that decide which epoch is kept.
        data_sha256: of the data set, so that a run does not go on with another.
        machine: where it runs.
        workers: processes that read files; 0 reads between the steps.
        tell: is given a line per epoch.
    """

    folder: Path
    settings: Settings
    task: Task
    train: Sequence[Sample]
    val: Sequence[Sample]
    data_sha256: str
    machine: Machine
    workers: int
    tell: Callable[[str], None]


def fit(run: Run) -> tuple[nn.Module, Progress]:
    """Train, or go on where a killed run stopped.

    On one CPU a run that was killed, at any moment, reaches the same bits as one
    that was not: what is random depends on epoch and step alone.

    Returns:
        The network with the weights of its best epoch on val, and the curves.

    Raises:
        RunRefused: the folder holds another run, or batches are too small.
        TrainingStopped: the loss is no number, or the disk is full.
    """
    _check_batch(run)
    torch.manual_seed(run.settings.seed)
    network = new_network(run.settings).to(run.machine.device)
    optimiser = torch.optim.Adam(network.parameters(), lr=run.settings.rate)
    progress = resume(
        run.folder / CHECKPOINT,
        network,
        optimiser,
        settings=run.settings,
        data_sha256=run.data_sha256,
    )
    if progress.epochs and run.machine.chief:
        run.tell(f"goes on after epoch {len(progress.epochs)}")
    progress = _epochs(run, network, optimiser, progress)
    if run.machine.chief:
        load_best(run.folder / BEST, network)
    return network, progress


def new_network(settings: Settings) -> nn.Module:
    """The network with its first, random weights."""
    return channels_last(CATALOGUE[settings.network].build(settings.width))


def _epochs(
    run: Run, network: nn.Module, optimiser: torch.optim.Optimizer, progress: Progress
) -> Progress:
    parallel = run.machine.parallel(AllAnswers(network))
    settings = run.settings
    steps = len(_draws(run, 0))
    with tqdm(
        total=settings.epochs * steps,
        initial=len(progress.epochs) * steps,
        disable=not (run.machine.chief and sys.stderr.isatty()),
        unit="step",
    ) as bar:
        while not (
            len(progress.epochs) >= settings.epochs
            or progress.exhausted(settings.patience)
        ):
            number = len(progress.epochs)
            epoch = _epoch(run, parallel, network, optimiser, number, bar)
            progress = progress.after(epoch, keep=settings.keep)
            if run.machine.chief:
                _keep(run, network, optimiser, progress)
                run.tell(_line(run, progress))
    return progress


def _epoch(
    run: Run,
    parallel: nn.Module,
    network: nn.Module,
    optimiser: torch.optim.Optimizer,
    number: int,
    bar: "tqdm[None]",
) -> Epoch:
    """Train once over all samples, then measure."""
    begin = time.monotonic()
    settings, share = run.settings, run.machine.share
    rate = settings.rate * settings.decay**number
    for group in optimiser.param_groups:
        group["lr"] = rate
    torch.manual_seed(seed_at(settings.seed, number, share.rank))  # dropout
    draws = _draws(run, number)
    parallel.train()
    total = 0.0
    for batch in batches(run.task, run.train, draws, workers=run.workers):
        loss = _step(run, parallel, optimiser, batch)
        if not math.isfinite(loss):
            raise TrainingStopped(_broken(number, loss))
        total += loss
        bar.set_postfix(epoch=number + 1, loss=f"{loss:.4f}", refresh=False)
        bar.update()
    val_loss, score = measure_val(run, network)
    if not math.isfinite(val_loss):
        raise TrainingStopped(_broken(number, val_loss))
    seconds = time.monotonic() - begin
    return Epoch(number + 1, rate, total / len(draws), val_loss, score, seconds)


def _draws(run: Run, number: int) -> list[Draw]:
    settings = run.settings
    return training_draws(
        run.train,
        batch=settings.batch,
        seed=settings.seed,
        epoch=number,
        share=run.machine.share,
        augment=settings.augment,
        per_exam=settings.per_exam,
    )


def _step(
    run: Run, network: nn.Module, optimiser: torch.optim.Optimizer, batch: Batch
) -> float:
    """One step; returns the loss, the mean over all processes."""
    images, targets, _ = batch
    targets = targets.to(run.machine.device)
    answers = _ask(run, network, images)[:, :, : len(run.settings.classes)]
    own, *beside = (run.task.loss(answer, targets) for answer in answers)
    loss = own + sum(AUXILIARY * each for each in beside)
    optimiser.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call]
    optimiser.step()
    return float(run.machine.total(loss.detach())) / run.machine.share.world


@torch.inference_mode()
def measure_val(run: Run, network: nn.Module) -> tuple[float, float]:
    """Mean loss and score on val; each process measures its share."""
    network.eval()
    val = thinned(run.val, run.settings.per_exam)
    draws = measuring_draws(len(val), batch=run.settings.batch, share=run.machine.share)
    sums: Tensor | None = None
    for images, targets, weights in batches(run.task, val, draws, workers=run.workers):
        logits = _ask(run, network, images)[:, : len(run.settings.classes)].cpu()
        loss = run.task.loss(logits, targets).double()
        tally = run.task.tally(logits, targets, weights).flatten()
        own = torch.cat((torch.stack((loss, torch.ones_like(loss))), tally))
        sums = own if sums is None else sums + own
    if sums is None:
        raise RunRefused("val has fewer samples than there are processes.")
    sums = run.machine.total(sums.to(run.machine.device)).cpu()
    return float(sums[0] / sums[1]), run.task.score(sums[2:])


def _ask(run: Run, network: nn.Module, images: Tensor) -> Tensor:
    """What it answers; it may have more outputs than there are classes."""
    settings, device = run.settings, run.machine.device
    images = images.to(device, memory_format=torch.channels_last)
    with torch.autocast(
        device.type, torch.bfloat16, enabled=settings.precision == "bfloat16"
    ):
        answer: Tensor = network(images)
    return answer.float()


def _keep(
    run: Run, network: nn.Module, optimiser: torch.optim.Optimizer, progress: Progress
) -> None:
    """Best weights first: a kill in between only makes this epoch be done again."""
    save = partial(
        save_checkpoint,
        network=network,
        settings=run.settings,
        data_sha256=run.data_sha256,
        progress=progress,
    )
    if progress.best == len(progress.epochs):
        save(run.folder / BEST, optimiser=None)
    save(run.folder / CHECKPOINT, optimiser=optimiser)
    rows = io.StringIO()
    table = csv.DictWriter(rows, list(asdict(progress.epochs[0])), lineterminator="\n")
    table.writeheader()
    table.writerows(asdict(epoch) for epoch in progress.epochs)
    write_or_stop(run.folder / CURVES, rows.getvalue().encode())


def _line(run: Run, progress: Progress) -> str:
    epoch, last = progress.epochs[-1], run.settings.epochs
    left = (last - epoch.epoch) * epoch.seconds / 60
    return (
        f"epoch {epoch.epoch}/{last}: loss {epoch.loss:.4f}, val {epoch.val_loss:.4f},"
        f" {run.task.metric} {epoch.score:.4f}"
        f"{', the best' if progress.best == epoch.epoch else ''};"
        f" {left:.0f} min left at most"
    )


def _broken(number: int, loss: float) -> str:
    kept = (
        f"the state after epoch {number} is kept" if number else "nothing is kept yet"
    )
    return (
        f"The loss became {loss} in epoch {number + 1}; {kept}. Give a lower --rate"
        " with another --out."
    )


def _check_batch(run: Run) -> None:
    batch, world = min(run.settings.batch, len(run.train)), run.machine.share.world
    if batch // world < 2:
        raise RunRefused(
            f"A batch of {batch} over {world} processes leaves one less than 2 samples;"
            " batch normalisation needs 2."
        )
