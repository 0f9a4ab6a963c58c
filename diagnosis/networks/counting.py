"""Parameters and multiply–accumulates of a network."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

MACS_RULE = (
    "MACs as thop 0.0.31 counts them: convolutions and linear layers, two for each"
    " element of a batch normalisation, average pooling; rectifiers, max-pooling,"
    " interpolation, products of feature maps (attention, routing) and the wavelet"
    " transform count nothing"
)


def count_parameters(network: nn.Module) -> int:
    """Numbers that training changes (running statistics are none)."""
    return sum(parameter.numel() for parameter in network.parameters())


def count_macs(build: Callable[[], nn.Module], size: tuple[int, int, int]) -> int:
    """Multiply–accumulates of one image, by ``MACS_RULE``.

    Args:
        build: makes the network; called on the meta device, so that nothing
            is computed or allocated.
        size: channels, rows, columns of the image.
    """
    total = 0

    def add(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        nonlocal total
        total += _macs(module, inputs[0], output)

    with torch.device("meta"), torch.inference_mode():
        network = build().eval()
        for module in network.modules():
            if not any(module.children()):
                module.register_forward_hook(add)
        network(torch.empty(1, *size))
    return total


def _macs(module: nn.Module, images: Tensor, output: Tensor) -> int:
    """Of one leaf module in one call."""
    match module:
        case nn.Conv2d():
            kernel = module.weight[0].numel() + (module.bias is not None)
            return output.numel() * kernel
        case nn.ConvTranspose2d():
            kernel = module.weight[:, 0].numel() + (module.bias is not None)
            return output.numel() * kernel
        case nn.AvgPool2d():
            return output.numel()
        case nn.BatchNorm2d():
            return 2 * output.numel()
        case nn.AdaptiveAvgPool2d():
            cell = (images.shape[2] // output.shape[2]) * (
                images.shape[3] // output.shape[3]
            )
            return output.numel() * (cell + 1)
        case nn.Linear():
            return output.numel() * module.in_features
    return 0
