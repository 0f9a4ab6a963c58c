"""Residual networks of bottlenecks."""

from dataclasses import dataclass

from torch import Tensor, nn

from diagnosis.networks.blocks import Bottleneck, bottleneck_stage, conv_bn_relu
from diagnosis.networks.classifier import Classifier
from diagnosis.networks.config import NetworkConfig
from diagnosis.networks.heads import mlp_head

BLOCKS_50 = (3, 4, 6, 3)
BLOCKS_101 = (3, 4, 23, 3)
BLOCKS_152 = (3, 8, 36, 3)


@dataclass(frozen=True, kw_only=True)
class ResNet50Config(NetworkConfig):
    """What defines a residual network of bottlenecks.

    Attributes:
        blocks: bottlenecks in each of the four stages.
        hidden: units of the head's hidden layers; published without any.
        dropout: share of the head's units dropped in training.
    """

    blocks: tuple[int, int, int, int] = BLOCKS_50
    hidden: tuple[int, ...] = ()
    dropout: float = 0.5


def plain_stem(channels: int, width: int) -> nn.Sequential:
    """7×7 convolution and pooling: (B, C, H, W) → (B, width, ⌈H/4⌉, ⌈W/4⌉)."""
    return nn.Sequential(
        *conv_bn_relu(channels, width, 7, stride=2),
        nn.MaxPool2d(3, stride=2, padding=1),
    )


class DilatedResNet(nn.Module):
    """A trunk at output stride 16, as segmenters use it."""

    def __init__(
        self, config: NetworkConfig, blocks: tuple[int, int, int, int]
    ) -> None:
        super().__init__()
        width = config.width
        one, two, three, four = blocks
        self.stem = plain_stem(config.channels, width)
        self.layer1 = bottleneck_stage(width, width, one, stride=1)
        self.layer2 = bottleneck_stage(4 * width, 2 * width, two, stride=2)
        self.layer3 = bottleneck_stage(8 * width, 4 * width, three, stride=2)
        self.layer4 = bottleneck_stage(
            16 * width, 8 * width, four, stride=1, dilation=2
        )

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """(B, 3, H, W) → (B, 4 width, H/4, W/4) and (B, 32 width, H/16, W/16)."""
        shallow = self.layer1(self.stem(images))
        return shallow, self.layer4(self.layer3(self.layer2(shallow)))


class ResNet50(Classifier):
    """Stem, four stages of bottlenecks, head (He et al. 2016, Table 1)."""

    name = "ResNet-50"
    smallest = 32  # the trunk halves the sides five times

    def __init__(self, config: ResNet50Config | None = None) -> None:
        config = config or ResNet50Config()
        layers: list[nn.Module] = [plain_stem(config.channels, config.width)]
        incoming = config.width
        for stage, count in enumerate(config.blocks):
            planes, stride = config.width * 2**stage, 1 if stage == 0 else 2
            layers.append(bottleneck_stage(incoming, planes, count, stride=stride))
            incoming = planes * Bottleneck.EXPANSION
        hidden = [config.scaled(units) for units in config.hidden]
        super().__init__(
            config,
            trunk=nn.Sequential(*layers),
            head=mlp_head(incoming, hidden, config.classes, dropout=config.dropout),
        )
