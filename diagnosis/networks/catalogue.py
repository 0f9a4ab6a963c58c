"""Every network by name."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import IntEnum

from torch import nn

from diagnosis.networks.pspnet import PSPNet, PSPNetConfig
from diagnosis.networks.resnet import ResNet34, ResNetConfig
from diagnosis.networks.resnet_w import ResNetW


class Width(IntEnum):
    """Channels of a network's first stage."""

    FULL = 64
    QUARTER = 16


@dataclass(frozen=True)
class NetworkSpec:
    """A network of the papers.

    Attributes:
        name: as the paper writes it.
        task: what it answers.
        size: the side in pixels of its square input.
        build: makes it in a width, freshly initialised.
    """

    name: str
    task: str
    size: int
    build: Callable[[Width], nn.Module]

    @property
    def input(self) -> tuple[int, int, int]:
        """Channels, rows and columns of one input image."""
        return (3, self.size, self.size)


_SPECS = (
    NetworkSpec(
        "A-PSPNet",
        "segmentation",
        473,
        lambda width: PSPNet(PSPNetConfig(width=width, attention=True)),
    ),
    NetworkSpec(
        "PSPNet", "segmentation", 473, lambda width: PSPNet(PSPNetConfig(width=width))
    ),
    NetworkSpec(
        "ResNet-W", "grading", 224, lambda width: ResNetW(ResNetConfig(width=width))
    ),
    NetworkSpec(
        "ResNet-34", "grading", 224, lambda width: ResNet34(ResNetConfig(width=width))
    ),
)

CATALOGUE: Mapping[str, NetworkSpec] = {spec.name: spec for spec in _SPECS}
