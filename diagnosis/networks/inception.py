"""Inception-v3."""

from dataclasses import dataclass
from functools import partial

from torch import nn

from diagnosis.networks.auxiliary import Deep
from diagnosis.networks.blocks import Branches, conv_bn_relu
from diagnosis.networks.config import NetworkConfig
from diagnosis.networks.heads import mlp_head

FEATURES = 2048  # channels of the last block at full width

conv = partial(conv_bn_relu, eps=1e-3)


@dataclass(frozen=True, kw_only=True)
class InceptionConfig(NetworkConfig):
    """What defines an Inception-v3.

    Attributes:
        auxiliary: one more head, behind the last block of 17 × 17 cells.
        hidden: units of the head's hidden layers; published without any.
        dropout: share of the head's units dropped in training.
    """

    auxiliary: bool = False
    hidden: tuple[int, ...] = ()
    dropout: float = 0.5


class InceptionV3(Deep):
    """A stem, eleven mixed blocks, head (Szegedy et al. 2016, Table 1)."""

    name = "Inception-v3"
    smallest = 75  # leaves the last block one cell

    def __init__(self, config: InceptionConfig | None = None) -> None:
        config = config or InceptionConfig()
        hidden = [config.scaled(units) for units in config.hidden]
        super().__init__(
            config,
            stages=inception_stages(config),
            auxiliary=[_auxiliary(config)] if config.auxiliary else [],
            head=mlp_head(
                config.scaled(FEATURES), hidden, config.classes, dropout=config.dropout
            ),
        )


def inception_stages(config: NetworkConfig) -> list[nn.Module]:
    """Up to the auxiliary head, and from there to the last block.

    (B, 3, 299, 299) → (B, 768, 17, 17) → (B, 2048, 8, 8) at full width; published
    code calls the blocks Mixed_5b to Mixed_7c.
    """
    c = config.scaled
    early = nn.Sequential(
        conv(config.channels, c(32), 3, stride=2, valid=True),
        conv(c(32), c(32), 3, valid=True),
        conv(c(32), c(64), 3),
        nn.MaxPool2d(3, stride=2),
        conv(c(64), c(80), 1),
        conv(c(80), c(192), 3, valid=True),
        nn.MaxPool2d(3, stride=2),
        _mixed5(config, c(192), c(32)),
        _mixed5(config, c(256), c(64)),
        _mixed5(config, c(288), c(64)),
        _to_17(config, c(288)),
        *(_mixed6(config, c(inner)) for inner in (128, 160, 160, 192)),
    )
    late = nn.Sequential(
        _to_8(config, c(768)), _mixed7(config, c(1280)), _mixed7(config, c(2048))
    )
    return [early, late]


def _averaged(incoming: int, outgoing: int) -> nn.Sequential:
    """The branch that every block has: a 3×3 average, then 1×1."""
    average = nn.AvgPool2d(3, stride=1, padding=1)
    return nn.Sequential(average, conv(incoming, outgoing, 1))


def _mixed5(config: NetworkConfig, incoming: int, pooled: int) -> Branches:
    """Blocks of 35 × 35 cells (ibid., Fig. 5)."""
    c = config.scaled
    return Branches(
        (
            conv(incoming, c(64), 1),
            nn.Sequential(conv(incoming, c(48), 1), conv(c(48), c(64), 5)),
            nn.Sequential(
                conv(incoming, c(64), 1), conv(c(64), c(96), 3), conv(c(96), c(96), 3)
            ),
            _averaged(incoming, pooled),
        )
    )


def _to_17(config: NetworkConfig, incoming: int) -> Branches:
    """35 × 35 → 17 × 17 cells (ibid., Fig. 10)."""
    c = config.scaled
    return Branches(
        (
            conv(incoming, c(384), 3, stride=2, valid=True),
            nn.Sequential(
                conv(incoming, c(64), 1),
                conv(c(64), c(96), 3),
                conv(c(96), c(96), 3, stride=2, valid=True),
            ),
            nn.MaxPool2d(3, stride=2),
        )
    )


def _mixed6(config: NetworkConfig, inner: int) -> Branches:
    """Blocks of 17 × 17 cells, 7×7 as 1×7 and 7×1 (ibid., Fig. 6)."""
    incoming, outgoing = config.scaled(768), config.scaled(192)
    return Branches(
        (
            conv(incoming, outgoing, 1),
            nn.Sequential(
                conv(incoming, inner, 1),
                conv(inner, inner, (1, 7)),
                conv(inner, outgoing, (7, 1)),
            ),
            nn.Sequential(
                conv(incoming, inner, 1),
                conv(inner, inner, (7, 1)),
                conv(inner, inner, (1, 7)),
                conv(inner, inner, (7, 1)),
                conv(inner, outgoing, (1, 7)),
            ),
            _averaged(incoming, outgoing),
        )
    )


def _to_8(config: NetworkConfig, incoming: int) -> Branches:
    """17 × 17 → 8 × 8 cells."""
    c = config.scaled
    return Branches(
        (
            nn.Sequential(
                conv(incoming, c(192), 1),
                conv(c(192), c(320), 3, stride=2, valid=True),
            ),
            nn.Sequential(
                conv(incoming, c(192), 1),
                conv(c(192), c(192), (1, 7)),
                conv(c(192), c(192), (7, 1)),
                conv(c(192), c(192), 3, stride=2, valid=True),
            ),
            nn.MaxPool2d(3, stride=2),
        )
    )


def _mixed7(config: NetworkConfig, incoming: int) -> Branches:
    """Blocks of 8 × 8 cells (ibid., Fig. 7)."""
    c = config.scaled
    return Branches(
        (
            conv(incoming, c(320), 1),
            nn.Sequential(conv(incoming, c(384), 1), _cross(c(384))),
            nn.Sequential(
                conv(incoming, c(448), 1), conv(c(448), c(384), 3), _cross(c(384))
            ),
            _averaged(incoming, c(192)),
        )
    )


def _cross(channels: int) -> Branches:
    """1×3 beside 3×1: (B, C, H, W) → (B, 2C, H, W)."""
    return Branches(
        (conv(channels, channels, (1, 3)), conv(channels, channels, (3, 1)))
    )


def _auxiliary(config: InceptionConfig) -> nn.Sequential:
    """A head behind the blocks of 17 × 17 cells.

    Other sizes are averaged to its 5 × 5 cells, which 299 × 299 pixels have anyway.
    """
    c = config.scaled
    return nn.Sequential(
        nn.AvgPool2d(5, stride=3),
        nn.AdaptiveAvgPool2d(5),
        conv(c(768), c(128), 1),
        conv(c(128), c(768), 5, valid=True),
        nn.Flatten(),
        nn.Linear(c(768), config.classes),
    )
