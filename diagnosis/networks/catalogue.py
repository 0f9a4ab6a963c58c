"""Every network by name."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import IntEnum
from typing import Any, Literal

from torch import nn

from diagnosis.networks.alexnet import AlexNet, AlexNetConfig
from diagnosis.networks.config import NetworkConfig, Norm
from diagnosis.networks.danet import DANet, DANetConfig
from diagnosis.networks.deeplab import DeepLab, DeepLabConfig
from diagnosis.networks.densenet import DenseNet, DenseNetConfig
from diagnosis.networks.googlenet import GoogLeNet, GoogLeNetConfig
from diagnosis.networks.inception import InceptionConfig, InceptionV3
from diagnosis.networks.inception_capsules import CapsuleConfig, InceptionCapsules
from diagnosis.networks.mobilenet import MobileNetConfig, MobileNetV2
from diagnosis.networks.pspnet import PSPNet, PSPNetConfig
from diagnosis.networks.resnet import ResNet34, ResNetConfig
from diagnosis.networks.resnet50 import BLOCKS_50, ResNet50, ResNet50Config
from diagnosis.networks.resnet_w import ResNetW
from diagnosis.networks.unet import UNet, UNetConfig
from diagnosis.networks.vgg import VGG, VGGConfig

Task = Literal["segmentation", "grading", "detection"]
MLP = (512,)  # the COVID paper says "MLP" and no size: this choice is ours


class Width(IntEnum):
    """Of a network's layers, in sixty-fourths of the paper's."""

    FULL = 64
    QUARTER = 16


@dataclass(frozen=True)
class NetworkSpec:
    """A network of the papers.

    Attributes:
        name: as the paper writes it; "-DWT" where the UPJO paper's Fig. 11 puts a
            wavelet transform for pooling, "-MLP" for the COVID paper's baselines.
        task: what it answers: a label for every pixel, the grade of a kidney,
            whether a slice shows COVID-19.
        size: the side in pixels of its square input.
        network: what builds it from a configuration.
        config: at full width.
    """

    name: str
    task: Task
    size: int
    network: Callable[[Any], nn.Module]
    config: NetworkConfig

    @property
    def input(self) -> tuple[int, int, int]:
        """Channels, rows and columns of one input image."""
        return (self.config.channels, self.size, self.size)

    @property
    def answers_in_lengths(self) -> bool:
        """Whether it answers with lengths in [0, 1) of capsules, not with logits."""
        return isinstance(self.config, CapsuleConfig)

    def build(self, width: Width, *, norm: Norm = "batch") -> nn.Module:
        """Make it in a width, freshly initialised."""
        return self.network(replace(self.config, width=width, norm=norm))


def _segmenter(
    name: str, network: Callable[[Any], nn.Module], config: NetworkConfig
) -> NetworkSpec:
    return NetworkSpec(name, "segmentation", 473, network, config)


def _grader(
    name: str, network: Callable[[Any], nn.Module], config: NetworkConfig
) -> NetworkSpec:
    return NetworkSpec(name, "grading", 224, network, config)


def _detector(
    name: str,
    network: Callable[[Any], nn.Module],
    config: NetworkConfig,
    *,
    size: int = 224,
) -> NetworkSpec:
    """COVID-19 or not."""
    return NetworkSpec(name, "detection", size, network, replace(config, classes=2))


_SPECS = (
    _segmenter("A-PSPNet", PSPNet, PSPNetConfig(attention=True)),
    _segmenter("PSPNet", PSPNet, PSPNetConfig()),
    _segmenter("DeepLabv3", DeepLab, DeepLabConfig()),
    _segmenter("DANet", DANet, DANetConfig()),
    _segmenter("DANet-R50", DANet, DANetConfig(blocks=BLOCKS_50, inner=512)),
    _segmenter("U-Net", UNet, UNetConfig()),
    _grader("ResNet-W", ResNetW, ResNetConfig()),
    _grader("ResNet-W-one-trunk", ResNet34, ResNetConfig(pool="bands")),
    _grader("ResNet-34", ResNet34, ResNetConfig()),
    _grader("ResNet-34-DWT", ResNet34, ResNetConfig(pool="approximation")),
    _grader("AlexNet", AlexNet, AlexNetConfig()),
    _grader("AlexNet-DWT", AlexNet, AlexNetConfig(pool="approximation")),
    _grader("VGG", VGG, VGGConfig(hidden=(2048, 1024))),
    _grader("GoogLeNet", GoogLeNet, GoogLeNetConfig()),
    _grader("GoogLeNet-DWT", GoogLeNet, GoogLeNetConfig(pool="approximation")),
    _detector("IV3*", InceptionCapsules, CapsuleConfig(), size=299),
    _detector("VGG-16-MLP", VGG, VGGConfig()),
    _detector("AlexNet-MLP", AlexNet, AlexNetConfig()),
    _detector("ResNet-50-MLP", ResNet50, ResNet50Config(hidden=MLP)),
    _detector("Inception-v3-MLP", InceptionV3, InceptionConfig(hidden=MLP), size=299),
    _detector("DenseNet-121-MLP", DenseNet, DenseNetConfig(hidden=MLP)),
    _detector("MobileNet-v2-MLP", MobileNetV2, MobileNetConfig(hidden=MLP)),
)

CATALOGUE: Mapping[str, NetworkSpec] = {spec.name: spec for spec in _SPECS}
