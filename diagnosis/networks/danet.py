"""DANet: attention between places beside attention between channels."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from diagnosis.networks.blocks import conv_bn_relu, initialise, spread
from diagnosis.networks.config import NetworkConfig
from diagnosis.networks.resnet50 import BLOCKS_152, DilatedResNet
from diagnosis.networks.segmenter import Segmenter


@dataclass(frozen=True, kw_only=True)
class DANetConfig(NetworkConfig):
    """What defines a DANet.

    Attributes:
        blocks: bottlenecks in each of the trunk's four stages.
        inner: channels that attention reads, at full width; the UPJO paper's size
            fits a trunk that is not narrowed at all, the usual is 512.
        ratio: how far queries and keys are narrower.
        dropout: share of the head's maps dropped in training.
    """

    blocks: tuple[int, int, int, int] = BLOCKS_152
    inner: int = 2048
    ratio: int = 8
    dropout: float = 0.1


class PlaceAttention(nn.Module):
    """Every place gathers from the places that resemble it (Fu et al. 2019, eq. 1-2).

    The gathered part counts for nothing at first, and learning lets it in.
    """

    def __init__(self, channels: int, *, ratio: int = 8) -> None:
        super().__init__()
        self.query = nn.Conv2d(channels, channels // ratio, 1)
        self.key = nn.Conv2d(channels, channels // ratio, 1)
        self.value = nn.Conv2d(channels, channels, 1)
        self.share = nn.Parameter(torch.zeros(1))

    def weights(self, features: Tensor) -> Tensor:
        """(B, C, H, W) → (B, HW, HW): each place's weights of all, with sum 1."""
        query, key = self.query(features).flatten(2), self.key(features).flatten(2)
        out: Tensor = (query.mT @ key).softmax(dim=-1)
        return out

    def forward(self, features: Tensor) -> Tensor:
        """(B, C, H, W) → the same shape."""
        values = self.value(features).flatten(2)
        gathered: Tensor = values @ self.weights(features).mT
        return self.share * gathered.view_as(features) + features


class ChannelAttention(nn.Module):
    """Every channel gathers from the others (ibid., eq. 3-4)."""

    def __init__(self) -> None:
        super().__init__()
        self.share = nn.Parameter(torch.zeros(1))

    def weights(self, features: Tensor) -> Tensor:
        """(B, C, H, W) → (B, C, C): each channel's weights of all, with sum 1.

        Differs from the paper, as its authors' code does: the more unlike, the
        heavier.
        """
        flat = features.flatten(2)
        alike = flat @ flat.mT
        unlike: Tensor = alike.amax(dim=-1, keepdim=True) - alike
        return unlike.softmax(dim=-1)

    def forward(self, features: Tensor) -> Tensor:
        """(B, C, H, W) → the same shape."""
        gathered = self.weights(features) @ features.flatten(2)
        return self.share * gathered.view_as(features) + features


class DANet(Segmenter):
    """Trunk at output stride 16, both attentions, head (ibid., Fig. 2)."""

    name = "DANet"
    smallest = 32  # two cells along each side to attend to

    def __init__(self, config: DANetConfig | None = None) -> None:
        super().__init__()
        self.config: DANetConfig = config or DANetConfig()
        incoming, inner = 32 * self.config.width, self.config.scaled(self.config.inner)
        self.encoder = DilatedResNet(self.config, self.config.blocks)
        self.places = nn.Sequential(
            *conv_bn_relu(incoming, inner, 3),
            PlaceAttention(inner, ratio=self.config.ratio),
            *conv_bn_relu(inner, inner, 3),
        )
        self.channels = nn.Sequential(
            *conv_bn_relu(incoming, inner, 3),
            ChannelAttention(),
            *conv_bn_relu(inner, inner, 3),
        )
        self.head = nn.Sequential(
            nn.Dropout2d(self.config.dropout),
            nn.Conv2d(inner, self.config.classes, 1),
        )
        initialise(self, norm=self.config.norm)

    def label(self, images: Tensor) -> Tensor:
        """The logits of images that were checked."""
        _, features = self.encoder(images)
        logits = self.head(self.places(features) + self.channels(features))
        return spread(logits, images.shape[2:])
