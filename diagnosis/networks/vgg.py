"""VGG-16."""

from dataclasses import dataclass

from torch import nn

from diagnosis.networks.blocks import conv_relu
from diagnosis.networks.classifier import Classifier
from diagnosis.networks.config import NetworkConfig
from diagnosis.networks.heads import mlp_head

STAGES = ((2, 64), (2, 128), (3, 256), (3, 512), (3, 512))  # convolutions, channels
CELLS = 7  # along each side of the map that the head reads


@dataclass(frozen=True, kw_only=True)
class VGGConfig(NetworkConfig):
    """What defines a VGG-16.

    Attributes:
        hidden: units of the hidden layers; 2048 and 1024 come nearest to the
            size that the UPJO paper gives, 4096 twice are VGG's own.
        dropout: share of the head's units dropped in training.
    """

    hidden: tuple[int, ...] = (4096, 4096)
    dropout: float = 0.5


class VGG(Classifier):
    """Thirteen 3×3 convolutions, then linear layers (Simonyan 2015, Table 1 D)."""

    name = "VGG-16"
    smallest = 32  # the trunk halves the sides five times

    def __init__(self, config: VGGConfig | None = None) -> None:
        config = config or VGGConfig()
        layers: list[nn.Module] = []
        incoming = config.channels
        for count, channels in STAGES:
            for _ in range(count):
                layers += conv_relu(incoming, config.scaled(channels), 3)
                incoming = config.scaled(channels)
            layers.append(nn.MaxPool2d(2))
        super().__init__(
            config,
            trunk=nn.Sequential(*layers),
            head=mlp_head(
                incoming,
                [config.scaled(units) for units in config.hidden],
                config.classes,
                cells=CELLS,
                dropout=config.dropout,
            ),
        )
