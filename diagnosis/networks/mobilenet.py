"""MobileNet v2."""

from dataclasses import dataclass

from torch import Tensor, nn

from diagnosis.networks.classifier import Classifier
from diagnosis.networks.config import NetworkConfig
from diagnosis.networks.heads import mlp_head

# Expansion, channels, blocks, stride of the first (Sandler et al. 2018, Table 2).
STAGES = (
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
)


@dataclass(frozen=True, kw_only=True)
class MobileNetConfig(NetworkConfig):
    """What defines a MobileNet v2.

    Attributes:
        hidden: units of the head's hidden layers; published without any.
        dropout: share of the head's units dropped in training.
    """

    hidden: tuple[int, ...] = ()
    dropout: float = 0.5


def conv_bn_relu6(
    incoming: int, outgoing: int, kernel: int, *, stride: int = 1, groups: int = 1
) -> nn.Sequential:
    """A convolution that keeps the size (÷ stride), normalised, cut to [0, 6]."""
    return nn.Sequential(
        nn.Conv2d(
            incoming, outgoing, kernel, stride=stride, padding=kernel // 2,
            groups=groups, bias=False,
        ),
        nn.BatchNorm2d(outgoing),
        nn.ReLU6(),
    )  # fmt: skip


class InvertedResidual(nn.Module):
    """Widen, filter each channel alone, narrow (ibid., Fig. 4 d)."""

    def __init__(
        self, incoming: int, outgoing: int, *, expansion: int, stride: int
    ) -> None:
        super().__init__()
        inner = incoming * expansion
        widen = conv_bn_relu6(incoming, inner, 1) if expansion > 1 else ()
        self.residual = nn.Sequential(
            *widen,
            *conv_bn_relu6(inner, inner, 3, stride=stride, groups=inner),
            nn.Conv2d(inner, outgoing, 1, bias=False),
            nn.BatchNorm2d(outgoing),
        )
        self.adds = stride == 1 and incoming == outgoing

    def forward(self, features: Tensor) -> Tensor:
        """(B, incoming, H, W) → (B, outgoing, H/stride, W/stride)."""
        change: Tensor = self.residual(features)
        return features + change if self.adds else change


class MobileNetV2(Classifier):
    """A stem, seventeen inverted residuals, a last convolution, head."""

    name = "MobileNet-v2"
    smallest = 32  # the trunk halves the sides five times

    def __init__(self, config: MobileNetConfig | None = None) -> None:
        config = config or MobileNetConfig()
        incoming, last = config.scaled(32), config.scaled(1280)
        layers: list[nn.Module] = [
            *conv_bn_relu6(config.channels, incoming, 3, stride=2)
        ]
        for expansion, channels, count, first in STAGES:
            for block in range(count):
                stride, outgoing = first if block == 0 else 1, config.scaled(channels)
                layers.append(
                    InvertedResidual(
                        incoming, outgoing, expansion=expansion, stride=stride
                    )
                )
                incoming = outgoing
        hidden = [config.scaled(units) for units in config.hidden]
        super().__init__(
            config,
            trunk=nn.Sequential(*layers, *conv_bn_relu6(incoming, last, 1)),
            head=mlp_head(last, hidden, config.classes, dropout=config.dropout),
        )
