"""GoogLeNet, with the wavelet variant of the UPJO paper."""

from dataclasses import dataclass
from functools import partial
from typing import Protocol

from torch import nn

from diagnosis.networks.auxiliary import Deep
from diagnosis.networks.blocks import Branches, conv_bn_relu, conv_relu
from diagnosis.networks.config import NetworkConfig
from diagnosis.networks.heads import mlp_head
from diagnosis.networks.wavelet_layers import Pooling, pooling


class Convolution(Protocol):
    """A convolution that keeps the size (÷ stride), with what stands behind it."""

    def __call__(
        self, incoming: int, outgoing: int, kernel: int, *, stride: int = 1
    ) -> nn.Module:
        """(B, incoming, H, W) → (B, outgoing, H/stride, W/stride)."""


# Channels of 1×1; 3×3 reduced, 3×3; 5×5 reduced, 5×5; pooled (Szegedy 2015, Table 1).
MIXED = {
    "3a": (64, 96, 128, 16, 32, 32),
    "3b": (128, 128, 192, 32, 96, 64),
    "4a": (192, 96, 208, 16, 48, 64),
    "4b": (160, 112, 224, 24, 64, 64),
    "4c": (128, 128, 256, 24, 64, 64),
    "4d": (112, 144, 288, 32, 64, 64),
    "4e": (256, 160, 320, 32, 128, 128),
    "5a": (256, 160, 320, 32, 128, 128),
    "5b": (384, 192, 384, 48, 128, 128),
}


@dataclass(frozen=True, kw_only=True)
class GoogLeNetConfig(NetworkConfig):
    """What defines a GoogLeNet.

    Attributes:
        normalised: batch normalisation behind every convolution. The paper has
            none; the weights that are published for torch have.
        large: the large kernel's side; 5 in the paper, 3 in those weights.
        last_pool: the window of the last pooling; 3 in the paper, 2 in those.
        auxiliary: two more heads, behind 4a and 4d.
        pool: what stands at the four poolings that halve the map.
        dropout: share of the head's features dropped in training.
    """

    normalised: bool = False
    large: int = 5
    last_pool: int = 3
    auxiliary: bool = True
    pool: Pooling = "max"
    dropout: float = 0.4


PUBLISHED = GoogLeNetConfig(
    classes=1000, normalised=True, large=3, last_pool=2, dropout=0.2
)


class GoogLeNet(Deep):
    """A stem, nine mixed blocks, a head and two auxiliary ones.

    With ``pool="approximation"`` each pooling that halves the map gives way to the
    approximation of a Haar transform (UPJO paper, Fig. 11). The paper does not say
    which poolings; all four are our choice. Those inside the blocks keep the size.

    Differs from the paper: no local response normalisation, which has no
    parameters and which later work found to change nothing.
    """

    name = "GoogLeNet"
    smallest = 32  # the trunk halves the sides five times

    def __init__(self, config: GoogLeNetConfig | None = None) -> None:
        config = config or GoogLeNetConfig()
        conv: Convolution = (
            partial(conv_bn_relu, eps=1e-3) if config.normalised else conv_relu
        )
        halve = partial(pooling, config.pool, ceil=True)
        mixed = {
            name: _mixed(config, conv, incoming, *MIXED[name])
            for name, incoming in _incoming().items()
        }
        first, second = config.scaled(64), config.scaled(192)
        stem = [
            conv(config.channels, first, 7, stride=2),
            halve(),
            conv(first, first, 1),
            conv(first, second, 3),
            halve(),
        ]
        behind = ("4a", "4d") if config.auxiliary else ()
        super().__init__(
            config,
            stages=[
                nn.Sequential(*stem, mixed["3a"], mixed["3b"], halve(), mixed["4a"]),
                nn.Sequential(mixed["4b"], mixed["4c"], mixed["4d"]),
                nn.Sequential(
                    mixed["4e"],
                    halve(kernel=config.last_pool),
                    mixed["5a"],
                    mixed["5b"],
                ),
            ],
            auxiliary=[_auxiliary(config, conv, name) for name in behind],
            head=nn.Sequential(
                nn.AdaptiveAvgPool2d(1),
                nn.Flatten(),
                nn.Dropout(config.dropout),
                nn.Linear(config.scaled(_outgoing("5b")), config.classes),
            ),
        )


def _outgoing(name: str) -> int:
    """Channels that a mixed block makes, at full width."""
    one, _, three, _, five, pooled = MIXED[name]
    return one + three + five + pooled


def _incoming() -> dict[str, int]:
    """Channels that each mixed block reads, at full width."""
    names = list(MIXED)
    return dict(zip(names, (192, *map(_outgoing, names[:-1])), strict=True))


def _mixed(
    config: GoogLeNetConfig, conv: Convolution, incoming: int, *channels: int
) -> Branches:
    """1×1, 3×3, 5×5 and a pooling side by side (ibid., Fig. 2 b)."""
    incoming = config.scaled(incoming)
    one, less3, three, less5, five, pooled = map(config.scaled, channels)
    return Branches(
        (
            conv(incoming, one, 1),
            nn.Sequential(conv(incoming, less3, 1), conv(less3, three, 3)),
            nn.Sequential(conv(incoming, less5, 1), conv(less5, five, config.large)),
            nn.Sequential(
                nn.MaxPool2d(3, stride=1, padding=1), conv(incoming, pooled, 1)
            ),
        )
    )


def _auxiliary(config: GoogLeNetConfig, conv: Convolution, name: str) -> nn.Sequential:
    """A head behind a block: 4×4 averages, 1×1 convolution, one hidden layer."""
    narrow, hidden = config.scaled(128), config.scaled(1024)
    return nn.Sequential(
        nn.AdaptiveAvgPool2d(4),
        conv(config.scaled(_outgoing(name)), narrow, 1),
        *mlp_head(narrow, (hidden,), config.classes, cells=4, dropout=0.7),
    )
