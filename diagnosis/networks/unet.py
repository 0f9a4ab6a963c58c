"""U-Net."""

from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 (the field's own name for it)

from diagnosis.networks.blocks import conv_bn_relu, initialise
from diagnosis.networks.config import NetworkConfig
from diagnosis.networks.segmenter import Segmenter


@dataclass(frozen=True, kw_only=True)
class UNetConfig(NetworkConfig):
    """What defines a U-Net.

    Attributes:
        levels: channels of each level, from the image's size downwards.
    """

    levels: tuple[int, ...] = (64, 128, 256, 512, 1024)


def twice(incoming: int, outgoing: int) -> nn.Sequential:
    """Two 3×3 convolutions that keep the size."""
    return nn.Sequential(
        *conv_bn_relu(incoming, outgoing, 3), *conv_bn_relu(outgoing, outgoing, 3)
    )


class Up(nn.Module):
    """A level of the way up: enlarge, put beside what went down, convolve."""

    def __init__(self, deep: int, shallow: int) -> None:
        super().__init__()
        self.enlarge = nn.ConvTranspose2d(deep, shallow, 2, stride=2)
        self.convolve = twice(2 * shallow, shallow)

    def forward(self, deep: Tensor, shallow: Tensor) -> Tensor:
        """(B, deep, ⌊H/2⌋, ⌊W/2⌋), (B, shallow, H, W) → (B, shallow, H, W)."""
        large = self.enlarge(deep)
        rows, columns = (
            side - made
            for side, made in zip(shallow.shape[2:], large.shape[2:], strict=True)
        )
        # The pooling left the last row or column of an odd side behind.
        large = F.pad(large, (0, columns, 0, rows))
        out: Tensor = self.convolve(torch.cat((shallow, large), dim=1))
        return out


class UNet(Segmenter):
    """Four levels down and up again (Ronneberger et al. 2015, Fig. 1).

    The standard one; that of the UPJO paper, 26.36 M and 42.77 G, is not known.

    Differs from its own paper, as usual today: padded, so that the answer has the
    image's size, and normalised over the batch.
    """

    name = "U-Net"
    smallest = 32  # two cells along each side of the lowest level

    def __init__(self, config: UNetConfig | None = None) -> None:
        super().__init__()
        self.config: UNetConfig = config or UNetConfig()
        levels = [self.config.scaled(channels) for channels in self.config.levels]
        self.first = twice(self.config.channels, levels[0])
        self.down = nn.ModuleList(
            nn.Sequential(nn.MaxPool2d(2), *twice(shallow, deep))
            for shallow, deep in pairwise(levels)
        )
        self.up = nn.ModuleList(
            Up(deep, shallow) for deep, shallow in pairwise(reversed(levels))
        )
        self.head = nn.Conv2d(levels[0], self.config.classes, 1)
        initialise(self, norm=self.config.norm)

    def label(self, images: Tensor) -> Tensor:
        """The logits of images that were checked."""
        features, passed = self.first(images), []
        for level in self.down:
            passed.append(features)
            features = level(features)
        for level in self.up:
            features = level(features, passed.pop())
        logits: Tensor = self.head(features)
        return logits
