"""A run on disk: whole after every epoch, and going on from there."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn

from diagnosis.grading.weights import write_whole
from diagnosis.training.errors import RunRefused, TrainingStopped
from diagnosis.training.fitting.settings import BEST_EPOCH, LAST_EPOCH, Settings

CHECKPOINT, BEST = "checkpoint.safetensors", "best.safetensors"


@dataclass(frozen=True)
class Epoch:
    """A row of the curves.

    Attributes:
        epoch: from 1.
        rate: of the optimiser.
        loss: on train, mean over the steps.
        val_loss: mean over the batches.
        score: the task's metric on val.
        seconds: that it took.
    """

    epoch: int
    rate: float
    loss: float
    val_loss: float
    score: float
    seconds: float


@dataclass(frozen=True)
class Progress:
    """How far a run is.

    Attributes:
        epochs: the finished ones.
        best: the one of them whose weights are kept, from 1; 0 before any.
    """

    epochs: tuple[Epoch, ...] = field(default=())
    best: int = 0

    @property
    def best_score(self) -> float:
        """The score of the epoch whose weights are kept."""
        return self.epochs[self.best - 1].score if self.best else -1.0

    def after(self, epoch: Epoch, *, keep: str = BEST_EPOCH) -> "Progress":
        """One epoch further; the first of equals stays the best."""
        better = keep == LAST_EPOCH or epoch.score > self.best_score
        best = epoch.epoch if better else self.best
        return replace(self, epochs=(*self.epochs, epoch), best=best)

    def exhausted(self, patience: int | None) -> bool:
        """Whether the score has not risen for ``patience`` epochs."""
        return patience is not None and len(self.epochs) - self.best >= patience


def save_checkpoint(
    path: Path,
    *,
    network: nn.Module,
    optimiser: torch.optim.Optimizer | None,
    settings: Settings,
    data_sha256: str,
    progress: Progress,
) -> None:
    """Write a checkpoint to a temporary file, then rename it.

    Raises:
        TrainingStopped: a weight is not a finite number, or the disk is full;
            what the file held before is still there.
    """
    tensors = {f"network.{name}": value for name, value in _tensors(network).items()}
    broken = next((name for name, t in tensors.items() if not _finite(t)), None)
    if broken:
        raise TrainingStopped(
            f"After epoch {len(progress.epochs)} the weights of {broken} are not finite"
            f" numbers; {_kept(path.parent)} Lower the rate."
        )
    tensors |= _moments(network, optimiser) if optimiser else {}
    about = {
        "settings": settings.to_json(),
        "data_sha256": data_sha256,
        "progress": json.dumps(asdict(progress)),
    }
    content = save({n: t.contiguous() for n, t in tensors.items()}, metadata=about)
    write_or_stop(path, content)


def write_or_stop(path: Path, content: bytes) -> None:
    """Write a file whole, or say why training cannot go on.

    Raises:
        TrainingStopped: the disk is full, or does not let us write.
    """
    with stopping(path):
        write_whole(path, content)


@contextmanager
def stopping(path: Path) -> Iterator[None]:
    """Turn a failure to write into a sentence: training cannot go on."""
    try:
        yield
    except OSError as error:
        raise TrainingStopped(
            f"{path} cannot be written ({error.strerror}); {_kept(path.parent)} Make room,"
            " then give the same command again."
        ) from error


def resume(
    path: Path,
    network: nn.Module,
    optimiser: torch.optim.Optimizer,
    *,
    settings: Settings,
    data_sha256: str,
) -> Progress:
    """Put a checkpoint's state into network and optimiser.

    Returns:
        How far it was; nothing yet where there is no checkpoint.

    Raises:
        RunRefused: the checkpoint is damaged, or of a run with other settings or
            another data set.
    """
    if not path.exists():
        return Progress()
    try:
        with safe_open(path, "pt") as file:
            about = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        there = json.loads(about["settings"])
        progress = _progress(about["progress"])
    except (SafetensorError, OSError, KeyError, ValueError, TypeError) as error:
        raise RunRefused(f"{path} is no checkpoint of a training: {error}.") from error
    differences = settings.differences(there)
    if about.get("data_sha256") != data_sha256:
        differences.append("another data set or split")
    if differences:
        raise RunRefused(
            f"{path.parent} holds another run: {'; '.join(differences)}. Give the same"
            " command as then, or another folder."
        )
    load_tensors(network, tensors)
    _restore_moments(network, optimiser, tensors)
    return progress


def load_best(path: Path, network: nn.Module) -> None:
    """Put the best epoch's weights into the network.

    Raises:
        RunRefused: the file is missing or damaged.
    """
    try:
        with safe_open(path, "pt") as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError) as error:
        raise RunRefused(f"{path} cannot be read: {error}.") from error
    load_tensors(network, tensors)


def load_tensors(network: nn.Module, tensors: dict[str, Tensor]) -> None:
    """Copy ``network.*`` into place, so that the memory layout stays.

    Other layouts round differently, and the run would not reach the same bits.
    """
    with torch.no_grad():
        for name, value in _tensors(network).items():
            value.copy_(tensors[f"network.{name}"])


def _tensors(network: nn.Module) -> dict[str, Tensor]:
    state: dict[str, Tensor] = network.state_dict()
    return state


def _finite(tensor: Tensor) -> bool:
    return bool(torch.isfinite(tensor).all())


def _moments(network: nn.Module, optimiser: torch.optim.Optimizer) -> dict[str, Tensor]:
    """What Adam remembers of each parameter."""
    return {
        f"optimiser.{name}.{kind}": value
        for name, parameter in network.named_parameters()
        for kind, value in optimiser.state.get(parameter, {}).items()
    }


def _restore_moments(
    network: nn.Module, optimiser: torch.optim.Optimizer, tensors: dict[str, Tensor]
) -> None:
    for name, parameter in network.named_parameters():
        prefix = f"optimiser.{name}."
        state = {
            key.removeprefix(prefix): value
            for key, value in tensors.items()
            if key.startswith(prefix)
        }
        if state:
            optimiser.state[parameter] = {
                kind: value
                if value.shape != parameter.shape or kind == "step"
                else torch.empty_like(parameter, requires_grad=False).copy_(value)
                for kind, value in state.items()
            }


def _progress(content: str) -> Progress:
    fields = json.loads(content)
    epochs = tuple(Epoch(**epoch) for epoch in fields["epochs"])
    return Progress(epochs, fields["best"])


def _kept(folder: Path) -> str:
    if (folder / CHECKPOINT).exists():
        return f"the last good state is kept in {CHECKPOINT}."
    return "nothing was saved before."
