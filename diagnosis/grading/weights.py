"""Networks on disk: safetensors that are what their manifest says."""

import hashlib
import os
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor, nn

from diagnosis.grading.errors import WeightsRejected
from diagnosis.grading.manifest import Part
from diagnosis.networks.catalogue import CATALOGUE, Width


def load_network(folder: Path, part: Part) -> nn.Module:
    """Build a network with its weights, ready to infer.

    Args:
        folder: where the file lies.
        part: what the manifest says of it.

    Returns:
        In eval mode, float32, channels last, without gradients.

    Raises:
        WeightsRejected: the file is missing or changed, or its tensors are not
            those of the network.
    """
    tensors = _read(folder / part.file, part.sha256)
    if part.network not in CATALOGUE or part.width not in list(Width):
        raise WeightsRejected(
            f"{part.file} is for {part.network} of width {part.width}, which is not"
            f" in the catalogue ({', '.join(CATALOGUE)})."
        )
    with torch.device("meta"):
        network = CATALOGUE[part.network].build(Width(part.width))
    try:
        network.load_state_dict(_floats(tensors), strict=True, assign=True)
    except RuntimeError as error:
        raise WeightsRejected(
            f"The tensors in {part.file} are not those of {part.network}: {error}"
        ) from error
    network.requires_grad_(requires_grad=False)
    return channels_last(network).eval()


def channels_last(network: nn.Module) -> nn.Module:
    """Lay the kernels out as a CPU's convolutions are fastest; in place."""
    for parameter in network.parameters():
        if parameter.dim() == 4:
            parameter.data = parameter.data.contiguous(
                memory_format=torch.channels_last
            )
    return network


def save_network(
    network: nn.Module, path: Path, *, dtype: torch.dtype = torch.float16
) -> str:
    """Write a network's tensors, in half precision by default, whole or not at all.

    Returns:
        The SHA-256 of the file, hex.
    """
    tensors = {
        name: (value.to(dtype) if value.is_floating_point() else value).contiguous()
        for name, value in network.state_dict().items()
    }
    content = save(tensors)
    write_whole(path, content)
    return hashlib.sha256(content).hexdigest()


def write_whole(path: Path, content: bytes) -> None:
    """Write a file so that a reader sees the old content or the new, never half.

    Raises:
        OSError: the disk is full, or does not let us write; nothing half is left.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.part")
    try:
        with part.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except OSError:
        part.unlink(missing_ok=True)
        raise


def _floats(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {
        name: value.float() if value.is_floating_point() else value
        for name, value in tensors.items()
    }


def _read(path: Path, sha256: str) -> dict[str, Tensor]:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise WeightsRejected(
            f"The weights {path} cannot be read ({error.strerror})."
        ) from error
    if hashlib.sha256(content).hexdigest() != sha256:
        raise WeightsRejected(
            f"The weights {path} are not the ones that its manifest names: their"
            " SHA-256 differs. Put the original file back, or train again with"
            " manage.py train_default_weights."
        )
    try:
        return load(content)
    except SafetensorError as error:
        raise WeightsRejected(f"{path} is not a safetensors file: {error}.") from error
