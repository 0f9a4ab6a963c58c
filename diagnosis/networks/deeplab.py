"""DeepLabv3+."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from diagnosis.networks.blocks import Branches, conv_bn_relu, initialise, spread
from diagnosis.networks.config import NetworkConfig
from diagnosis.networks.resnet50 import BLOCKS_101, DilatedResNet
from diagnosis.networks.segmenter import Segmenter
from diagnosis.networks.shapes import check_two_to_train


@dataclass(frozen=True, kw_only=True)
class DeepLabConfig(NetworkConfig):
    """What defines a DeepLabv3+.

    Attributes:
        blocks: bottlenecks in each of the trunk's four stages.
        rates: dilations of the pyramid's 3×3 convolutions.
        pyramid: channels of each of its branches, at full width.
        shallow: channels that the decoder takes from the first stage.
        dropout: of the pyramid's and of the decoder's maps, shares dropped in
            training.
    """

    blocks: tuple[int, int, int, int] = BLOCKS_101
    rates: tuple[int, ...] = (6, 12, 18)
    pyramid: int = 256
    shallow: int = 48
    dropout: tuple[float, float] = (0.5, 0.1)


class ImageLevel(nn.Module):
    """The average of the whole image, at every place."""

    def __init__(self, incoming: int, outgoing: int) -> None:
        super().__init__()
        self.level = nn.Sequential(
            nn.AdaptiveAvgPool2d(1), *conv_bn_relu(incoming, outgoing, 1)
        )

    def forward(self, features: Tensor) -> Tensor:
        """(B, incoming, H, W) → (B, outgoing, H, W)."""
        average: Tensor = self.level(features)
        return average.expand(-1, -1, *features.shape[2:])


class DeepLab(Segmenter):
    """Trunk at output stride 16, atrous pyramid, decoder (Chen et al. 2018, Fig. 2).

    The UPJO paper says DeepLabv3, 59.23 M and 77.50 G; this, with ResNet-101, is the
    nearest that we found.
    """

    name = "DeepLabv3"
    smallest = 32  # two cells along each side of the pyramid

    def __init__(self, config: DeepLabConfig | None = None) -> None:
        super().__init__()
        self.config: DeepLabConfig = config or DeepLabConfig()
        incoming = 32 * self.config.width
        outgoing = self.config.scaled(self.config.pyramid)
        shallow = self.config.scaled(self.config.shallow)
        in_pyramid, in_decoder = self.config.dropout
        self.encoder = DilatedResNet(self.config, self.config.blocks)
        levels = (
            conv_bn_relu(incoming, outgoing, 1),
            *(
                conv_bn_relu(incoming, outgoing, 3, dilation=rate)
                for rate in self.config.rates
            ),
            ImageLevel(incoming, outgoing),
        )
        self.pyramid = nn.Sequential(
            Branches(levels),
            *conv_bn_relu(len(levels) * outgoing, outgoing, 1),
            nn.Dropout(in_pyramid),
        )
        self.shallow = conv_bn_relu(4 * self.config.width, shallow, 1)
        self.head = nn.Sequential(
            *conv_bn_relu(outgoing + shallow, outgoing, 3),
            nn.Dropout(in_pyramid),
            *conv_bn_relu(outgoing, outgoing, 3),
            nn.Dropout(in_decoder),
            nn.Conv2d(outgoing, self.config.classes, 1),
        )
        initialise(self, norm=self.config.norm)

    def label(self, images: Tensor) -> Tensor:
        """The logits of images that were checked.

        Raises:
            ShapeError: a single image in training (normalising the image's
                average needs two).
        """
        if self.training:
            check_two_to_train(images, self.config, name=self.name)
        shallow, deep = self.encoder(images)
        shallow = self.shallow(shallow)
        deep = spread(self.pyramid(deep), shallow.shape[2:])
        logits = self.head(torch.cat((deep, shallow), dim=1))
        return spread(logits, images.shape[2:])
