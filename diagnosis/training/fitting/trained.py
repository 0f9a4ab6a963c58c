"""A trained network on disk: weights, and what they are weights of."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from diagnosis.grading.errors import WeightsRejected
from diagnosis.grading.manifest import Part
from diagnosis.grading.weights import load_network, save_network
from diagnosis.training.fitting.checkpoint import stopping, write_or_stop
from diagnosis.training.fitting.settings import Settings

DESCRIPTION = "network.json"


@dataclass(frozen=True)
class Trained:
    """What a file of weights says of itself, in network.json.

    Attributes:
        part: the file, with the network that it fits.
        classes: what the outputs mean, in order; a network may have more outputs.
        data_sha256: of the data set that it learnt from.
        recipe: the settings.
    """

    part: Part
    classes: tuple[str, ...]
    data_sha256: str
    recipe: Mapping[str, Any]


def save_trained(
    folder: Path, network: nn.Module, settings: Settings, *, data_sha256: str
) -> Trained:
    """Write the weights in full precision, then the description with their digest.

    Raises:
        TrainingStopped: the disk is full.
    """
    file = f"{settings.network.lower()}.safetensors"
    with stopping(folder / file):
        sha256 = save_network(network, folder / file, dtype=torch.float32)
    trained = Trained(
        Part(file, settings.network, int(settings.width), settings.size, sha256),
        settings.classes,
        data_sha256,
        json.loads(settings.to_json()),
    )
    content = json.dumps(asdict(trained), indent=2, ensure_ascii=False)
    write_or_stop(folder / DESCRIPTION, content.encode() + b"\n")
    return trained


def load_trained(weights: Path) -> tuple[Trained, nn.Module]:
    """Read a folder of a trained network, or a file in one.

    Raises:
        WeightsRejected: there is no description, or the weights are not its own.
    """
    folder = weights if weights.is_dir() else weights.parent
    path = folder / DESCRIPTION
    try:
        fields = json.loads(path.read_bytes())
        trained = Trained(
            Part(**fields["part"]),
            tuple(fields["classes"]),
            fields["data_sha256"],
            fields["recipe"],
        )
    except OSError as error:
        raise WeightsRejected(
            f"There is no trained network in {folder}: {DESCRIPTION} cannot be read"
            f" ({error.strerror})."
        ) from error
    except (ValueError, TypeError, KeyError) as error:
        raise WeightsRejected(f"{path} describes no network: {error!r}.") from error
    if Path(trained.part.file).name != trained.part.file:
        raise WeightsRejected(f"{path} names a file outside its folder.")
    return trained, load_network(folder, trained.part)
