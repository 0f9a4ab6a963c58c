"""DenseNet-121."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from diagnosis.networks.classifier import Classifier
from diagnosis.networks.config import NetworkConfig
from diagnosis.networks.heads import mlp_head

BOTTLENECK = 4  # a layer's inner channels, in growths


@dataclass(frozen=True, kw_only=True)
class DenseNetConfig(NetworkConfig):
    """What defines a DenseNet.

    Attributes:
        blocks: layers in each of the four blocks.
        growth: channels that each layer adds.
        hidden: units of the head's hidden layers; published without any.
        dropout: share of the head's units dropped in training.
    """

    blocks: tuple[int, int, int, int] = (6, 12, 24, 16)
    growth: int = 32
    hidden: tuple[int, ...] = ()
    dropout: float = 0.5


def bn_relu_conv(incoming: int, outgoing: int, kernel: int) -> nn.Sequential:
    """Normalised and rectified before the convolution, which keeps the size."""
    return nn.Sequential(
        nn.BatchNorm2d(incoming),
        nn.ReLU(),
        nn.Conv2d(incoming, outgoing, kernel, padding=kernel // 2, bias=False),
    )


class DenseBlock(nn.ModuleList):
    """Layers that read everything before them (Huang et al. 2017, Fig. 1)."""

    def __init__(self, incoming: int, growth: int, count: int) -> None:
        inner = BOTTLENECK * growth
        super().__init__(
            nn.Sequential(
                *bn_relu_conv(incoming + layer * growth, inner, 1),
                *bn_relu_conv(inner, growth, 3),
            )
            for layer in range(count)
        )

    def forward(self, features: Tensor) -> Tensor:
        """(B, C, H, W) → (B, C + count growth, H, W)."""
        for layer in self:
            features = torch.cat((features, layer(features)), dim=1)
        return features


class DenseNet(Classifier):
    """A stem, four dense blocks with transitions between, head."""

    name = "DenseNet-121"
    smallest = 32  # the trunk halves the sides five times

    def __init__(self, config: DenseNetConfig | None = None) -> None:
        config = config or DenseNetConfig()
        growth, channels = config.scaled(config.growth), config.scaled(64)
        layers: list[nn.Module] = [
            nn.Conv2d(config.channels, channels, 7, stride=2, padding=3, bias=False),
            nn.BatchNorm2d(channels),
            nn.ReLU(),
            nn.MaxPool2d(3, stride=2, padding=1),
        ]
        for block, count in enumerate(config.blocks):
            if block:
                layers += [*bn_relu_conv(channels, channels // 2, 1), nn.AvgPool2d(2)]
                channels //= 2
            layers.append(DenseBlock(channels, growth, count))
            channels += count * growth
        hidden = [config.scaled(units) for units in config.hidden]
        super().__init__(
            config,
            trunk=nn.Sequential(*layers, nn.BatchNorm2d(channels), nn.ReLU()),
            head=mlp_head(channels, hidden, config.classes, dropout=config.dropout),
        )
