"""ResNet-W: a residual network whose first pooling is a wavelet transform."""

import torch
from torch import Tensor, nn

from diagnosis.networks.blocks import conv_bn_relu, initialise
from diagnosis.networks.heads import grading_head
from diagnosis.networks.resnet import SMALLEST, ResNetConfig, residual_trunk
from diagnosis.networks.shapes import check_images
from diagnosis.networks.wavelet_layers import WaveletSplit


class ResNetW(nn.Module):
    """Stem, Haar transform, a trunk for each kind of band, head.

    Branch a reads the approximation (C channels), branch b the three details
    (3C channels); their features are concatenated (UPJO paper, Fig. 4).
    """

    def __init__(self, config: ResNetConfig | None = None) -> None:
        super().__init__()
        self.config = config or ResNetConfig()
        width = self.config.width
        self.stem = nn.Sequential(
            *conv_bn_relu(self.config.channels, width, 7, stride=2)
        )
        self.wavelet = WaveletSplit(self.config.wavelet)
        self.approximation = residual_trunk(width, self.config)
        self.detail = residual_trunk(3 * width, self.config)
        self.head = grading_head(2 * 8 * width, self.config.classes)
        initialise(self, norm=self.config.norm)

    def forward(self, images: Tensor) -> Tensor:
        """Grade a batch.

        Args:
            images: (B, 3, H, W) float, normalised; 224 × 224 in the paper.

        Returns:
            (B, K) logits.

        Raises:
            ShapeError: the batch does not fit.
        """
        check_images(
            images, name="ResNet-W", channels=self.config.channels, smallest=SMALLEST
        )
        approximation, detail = self.wavelet(self.stem(images))
        both = torch.cat(
            (self.approximation(approximation), self.detail(detail)), dim=1
        )
        logits: Tensor = self.head(both)
        return logits
