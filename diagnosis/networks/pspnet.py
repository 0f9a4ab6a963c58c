"""PSPNet for segmentation, with the attention of A-PSPNet where it is asked for."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 (the field's own name for it)

from diagnosis.networks.blocks import Bottleneck, conv_bn_relu, initialise
from diagnosis.networks.cbam import CBAM
from diagnosis.networks.errors import ShapeError
from diagnosis.networks.shapes import check_images

STRIDE = 16


@dataclass(frozen=True)
class PSPNetConfig:
    """What defines a PSPNet.

    Attributes:
        width: planes of the first stage; 64 in the paper, 16 at quarter width.
        blocks: bottlenecks in each of the four stages.
        bins: cells along each side of the pyramid's levels.
        attention: CBAM after the stem's pooling, again after the last stage
            (A-PSPNet).
        ratio: how far CBAM's channel gate narrows.
        dropout: share of the decoder's maps dropped in training.
        classes: kinds of pixel told apart.
        channels: channels of the input image.
    """

    width: int = 64
    blocks: tuple[int, int, int, int] = (3, 4, 6, 3)
    bins: tuple[int, ...] = (1, 2, 3, 6)
    attention: bool = False
    ratio: int = 16
    dropout: float = 0.1
    classes: int = 3
    channels: int = 3

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
        self.layer1 = _stage(2 * width, width, config.blocks[0], stride=1)
        self.layer2 = _stage(4 * width, 2 * width, config.blocks[1], stride=2)
        self.layer3 = _stage(8 * width, 4 * width, config.blocks[2], stride=2)
        self.layer4 = _stage(
            16 * width, 8 * width, config.blocks[3], stride=1, dilation=2
        )
        self.late = _attention(32 * width, config)

    def forward(self, images: Tensor) -> Tensor:
        """(B, 3, H, W) → (B, 32 width, ⌈H/16⌉, ⌈W/16⌉)."""
        features = self.early(self.stem(images))
        features = self.layer2(self.layer1(features))
        out: Tensor = self.late(self.layer4(self.layer3(features)))
        return out


def _stage(
    incoming: int, planes: int, count: int, *, stride: int, dilation: int = 1
) -> nn.Sequential:
    """Bottlenecks of one stage; only those after the first are dilated."""
    outgoing = planes * Bottleneck.EXPANSION
    rest = [Bottleneck(outgoing, planes, dilation=dilation) for _ in range(count - 1)]
    return nn.Sequential(Bottleneck(incoming, planes, stride=stride), *rest)


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
        spread = [
            F.interpolate(level(features), size, mode="bilinear", align_corners=False)
            for level in self.levels
        ]
        return torch.cat((features, *spread), dim=1)


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
        initialise(self)

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
        if self.training and len(images) < 2:
            raise ShapeError(f"{name} trains on batches of at least 2 images.")
        logits = self.head(self.pyramid(self.encoder(images)))
        # Strided convolutions centre their first cell on the first pixel, so
        # corners must meet corners, or the answer lies half a cell off.
        return F.interpolate(
            logits, images.shape[2:], mode="bilinear", align_corners=True
        )
