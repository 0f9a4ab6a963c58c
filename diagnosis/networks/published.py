"""Weights published for torchvision's networks, in ours."""

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor, nn

from diagnosis.networks.errors import WeightsMismatch

OURS_ALONE = ("head.", "auxiliary.")
AUXILIARY = ("aux1.", "aux2.", "AuxLogits.")  # torchvision's names for them
COUNTER = "num_batches_tracked"  # of batches seen; some files have it, some not


def load_trunk(network: nn.Module, path: Path) -> None:
    """Give a network the trunk that somebody trained on ImageNet; in place.

    torchvision names its layers differently and lists them in the same order, so
    the first tensors of the file are the trunk's. The head stays as it was drawn.

    Args:
        network: full width, normalised as the file's; AlexNet, VGG, ResNet34,
            ResNet50, GoogLeNet (as ``googlenet.PUBLISHED``), InceptionV3,
            InceptionCapsules, DenseNet or MobileNetV2.
        path: a state dictionary that torchvision publishes (``*.pth``). Only
            tensors are read from it, never code.

    Raises:
        WeightsMismatch: the file cannot be read, or its tensors are not those of
            this network's trunk; the network is as it was.
    """
    published = [
        tensor
        for name, tensor in _read(path).items()
        if not name.startswith(AUXILIARY) and not name.endswith(COUNTER)
    ]
    state = network.state_dict()
    trunk = [
        name
        for name in state
        if not name.startswith(OURS_ALONE) and not name.endswith(COUNTER)
    ]
    shapes = [tuple(state[name].shape) for name in trunk]
    if [tuple(tensor.shape) for tensor in published[: len(trunk)]] != shapes:
        raise WeightsMismatch(
            f"The tensors in {path} are not those of this network's trunk: it has"
            f" {len(trunk)}, of the shapes of torchvision's network of that name in"
            " full width."
        )
    with torch.no_grad():
        for name, tensor in zip(trunk, published, strict=False):
            state[name].copy_(tensor)


def _read(path: Path) -> Mapping[str, Tensor]:
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        raise WeightsMismatch(f"{path} holds no readable weights: {error}") from error
    if not isinstance(content, Mapping) or not all(
        isinstance(value, Tensor) for value in content.values()
    ):
        raise WeightsMismatch(f"{path} is no state dictionary, names with tensors.")
    return content
