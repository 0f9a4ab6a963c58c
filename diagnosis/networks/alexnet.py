"""AlexNet, with the wavelet variant of the UPJO paper."""

from dataclasses import dataclass
from itertools import pairwise

from torch import nn

from diagnosis.networks.blocks import conv_relu
from diagnosis.networks.classifier import Classifier
from diagnosis.networks.config import NetworkConfig
from diagnosis.networks.wavelet_layers import Pooling, pooling

CELLS = 6  # along each side of the map that the head reads


@dataclass(frozen=True, kw_only=True)
class AlexNetConfig(NetworkConfig):
    """What defines an AlexNet.

    Attributes:
        hidden: units of each of the two hidden layers.
        pool: what stands at the three poolings.
        dropout: share of the head's units dropped in training.
    """

    hidden: int = 4096
    pool: Pooling = "max"
    dropout: float = 0.5


class AlexNet(Classifier):
    """Five convolutions and three linear layers (Krizhevsky 2014, one column).

    With ``pool="approximation"`` each pooling gives way to the approximation of a
    Haar transform (UPJO paper, Fig. 11). The paper does not say which poolings;
    all three are our choice. A map of odd side comes out one cell larger.
    """

    name = "AlexNet"
    smallest = 63  # leaves the last pooling one cell

    def __init__(self, config: AlexNetConfig | None = None) -> None:
        config = config or AlexNetConfig()
        first, *rest = (config.scaled(c) for c in (64, 192, 384, 256, 256))
        hidden, dropout = config.scaled(config.hidden), config.dropout
        second, third, fourth, fifth = pairwise((first, *rest))
        trunk = nn.Sequential(
            nn.Conv2d(config.channels, first, 11, stride=4, padding=2),
            nn.ReLU(),
            pooling(config.pool),
            *conv_relu(*second, 5),
            pooling(config.pool),
            *conv_relu(*third, 3),
            *conv_relu(*fourth, 3),
            *conv_relu(*fifth, 3),
            pooling(config.pool),
        )
        head = nn.Sequential(
            nn.AdaptiveAvgPool2d(CELLS),
            nn.Flatten(),
            nn.Dropout(dropout),
            nn.Linear(rest[-1] * CELLS**2, hidden),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Linear(hidden, hidden),
            nn.ReLU(),
            nn.Linear(hidden, config.classes),
        )
        super().__init__(config, trunk=trunk, head=head)
