"""The convolutional block attention module."""

import torch
from torch import Tensor, nn


class ChannelGate(nn.Module):
    """One weight in (0, 1) for each channel.

    σ(MLP(average) + MLP(maximum))      Woo et al. 2018, eq. 2
    """

    def __init__(self, channels: int, *, ratio: int = 16) -> None:
        super().__init__()
        hidden = max(channels // ratio, 1)
        self.average = nn.AdaptiveAvgPool2d(1)
        self.maximum = nn.AdaptiveMaxPool2d(1)
        self.mlp = nn.Sequential(
            nn.Conv2d(channels, hidden, 1, bias=False),
            nn.ReLU(),
            nn.Conv2d(hidden, channels, 1, bias=False),
        )

    def forward(self, features: Tensor) -> Tensor:
        """(B, C, H, W) → gate (B, C, 1, 1)."""
        average = self.mlp(self.average(features))
        return torch.sigmoid(average + self.mlp(self.maximum(features)))


class SpatialGate(nn.Module):
    """One weight in (0, 1) for each place.

    σ(conv7×7([mean over channels; maximum over channels]))      ibid., eq. 3
    """

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(2, 1, 7, padding=3, bias=False)

    def forward(self, features: Tensor) -> Tensor:
        """(B, C, H, W) → gate (B, 1, H, W)."""
        mean = features.mean(dim=1, keepdim=True)
        maximum = features.amax(dim=1, keepdim=True)
        return torch.sigmoid(self.conv(torch.cat((mean, maximum), dim=1)))


class CBAM(nn.Module):
    """Weigh the channels, then the places, of a feature map."""

    def __init__(self, channels: int, *, ratio: int = 16) -> None:
        super().__init__()
        self.channel = ChannelGate(channels, ratio=ratio)
        self.spatial = SpatialGate()

    def forward(self, features: Tensor) -> Tensor:
        """(B, C, H, W) → the same shape."""
        features = features * self.channel(features)
        out: Tensor = features * self.spatial(features)
        return out
