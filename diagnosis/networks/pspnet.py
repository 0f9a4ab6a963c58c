"""PSPNet for segmentation, with the attention of A-PSPNet where it is asked for."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 (the field's own name for it)

from diagnosis.networks.blocks import (
    bottleneck_stage,
    conv_bn_relu,
    initialise,
    spread,
)
from diagnosis.networks.cbam import CBAM
from diagnosis.networks.config import NetworkConfig
from diagnosis.networks.shapes import check_images, check_two_to_train

STRIDE = 16


@dataclass(frozen=True, kw_only=True)
class PSPNetConfig(NetworkConfig):
    """What defines a PSPNet.

    Attributes:
        blocks: bottlenecks in each of the four stages.
        bins: cells along each side of the pyramid's levels.
        attention: CBAM after the stem's pooling, again after the last stage
            (A-PSPNet).
        ratio: how far CBAM's channel gate narrows.
        dropout: share of the decoder's maps dropped in training.
    """

    blocks: tuple[int, int, int, int] = (3, 4, 6, 3)
    bins: tuple[int, ...] = (1, 2, 3, 6)
    attention: bool = False
    ratio: int = 16
    dropout: float = 0.1

    @property
    def smallest(self) -> int:
        """The least side in pixels that leaves each cell of the finest bin one."""
        return STRIDE * (max(self.bins) - 1) + 1


class Encoder(nn.Module):
    """ResNet-50 with a deep stem at output stride 16."""

    def __init__(self, config: PSPNetConfig) -> None:
        super().__init__()
        width = config.width
        self.stem = nn.Sequential(
            *conv_bn_relu(config.channels, width, 3, stride=2),
            *conv_bn_relu(width, width, 3),
            *conv_bn_relu(width, 2 * width, 3),
            nn.MaxPool2d(3, stride=2, padding=1),
        )
        self.early = _attention(2 * width, config)
        self.layer1 = bottleneck_stage(2 * width, width, config.blocks[0], stride=1)
        self.layer2 = bottleneck_stage(4 * width, 2 * width, config.blocks[1], stride=2)
        self.layer3 = bottleneck_stage(8 * width, 4 * width, config.blocks[2], stride=2)
        self.layer4 = bottleneck_stage(
            16 * width, 8 * width, config.blocks[3], stride=1, dilation=2
        )
        self.late = _attention(32 * width, config)

    def forward(self, images: Tensor) -> Tensor:
        """(B, 3, H, W) → (B, 32 width, ⌈H/16⌉, ⌈W/16⌉)."""
        features = self.early(self.stem(images))
        features = self.layer2(self.layer1(features))
        out: Tensor = self.late(self.layer4(self.layer3(features)))
        return out


def _attention(channels: int, config: PSPNetConfig) -> nn.Module:
    return CBAM(channels, ratio=config.ratio) if config.attention else nn.Identity()


class PyramidPooling(nn.Module):
    """Averages over 1, 2², 3² and 6² cells beside the features themselves."""

    def __init__(self, channels: int, bins: tuple[int, ...]) -> None:
        super().__init__()
        self.levels = nn.ModuleList(
            nn.Sequential(
                nn.AdaptiveAvgPool2d(cells),
                *conv_bn_relu(channels, channels // len(bins), 1),
            )
            for cells in bins
        )

    def forward(self, features: Tensor) -> Tensor:
        """(B, C, H, W) → (B, 2C, H, W)."""
        size = features.shape[2:]
        wide = [
            F.interpolate(level(features), size, mode="bilinear", align_corners=False)
            for level in self.levels
        ]
        return torch.cat((features, *wide), dim=1)


class PSPNet(nn.Module):
    """Encoder, pyramid and head of PSPNet (Zhao et al. 2017, Fig. 3)."""

    def __init__(self, config: PSPNetConfig | None = None) -> None:
        super().__init__()
        self.config = config or PSPNetConfig()
        width = self.config.width
        self.encoder = Encoder(self.config)
        self.pyramid = PyramidPooling(32 * width, self.config.bins)
        self.head = nn.Sequential(
            *conv_bn_relu(64 * width, 8 * width, 3),
            nn.Dropout2d(self.config.dropout),
            nn.Conv2d(8 * width, self.config.classes, 1),
        )
        initialise(self, norm=self.config.norm)

    def forward(self, images: Tensor) -> Tensor:
        """Label every pixel of a batch.

        Args:
            images: (B, 3, H, W) float, normalised; 473 × 473 in the paper.

        Returns:
            (B, K, H, W) logits.

        Raises:
            ShapeError: the batch does not fit, or is a single image in training
                (normalising the pyramid's one-cell level needs two).
        """
        name = "A-PSPNet" if self.config.attention else "PSPNet"
        check_images(
            images,
            name=name,
            channels=self.config.channels,
            smallest=self.config.smallest,
        )
        if self.training:
            check_two_to_train(images, self.config, name=name)
        logits = self.head(self.pyramid(self.encoder(images)))
        return spread(logits, images.shape[2:])
