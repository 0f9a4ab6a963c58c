"""ResNet-34 for grading."""

from dataclasses import dataclass

from torch import Tensor, nn

from diagnosis.networks.blocks import BasicBlock, conv_bn_relu, initialise
from diagnosis.networks.shapes import check_images

SMALLEST = 32  # the trunk halves the sides five times


@dataclass(frozen=True)
class ResNetConfig:
    """What defines a ResNet-34 or a ResNet-W.

    Attributes:
        width: channels of the stem; 64 in the paper, 16 at quarter width.
        blocks: residual blocks in each of the four stages.
        classes: grades told apart.
        channels: channels of the input image.
        wavelet: the transform's, where there is one.
    """

    width: int = 64
    blocks: tuple[int, int, int, int] = (3, 4, 6, 3)
    classes: int = 3
    channels: int = 3
    wavelet: str = "haar"


def residual_trunk(incoming: int, config: ResNetConfig) -> nn.Sequential:
    """Four stages: (B, incoming, H, W) → (B, 8 width, H/8, W/8)."""
    stages: list[nn.Module] = []
    for stage, count in enumerate(config.blocks):
        planes = config.width * 2**stage
        first = BasicBlock(incoming, planes, stride=1 if stage == 0 else 2)
        rest = [BasicBlock(planes, planes) for _ in range(count - 1)]
        stages.append(nn.Sequential(first, *rest))
        incoming = planes
    return nn.Sequential(*stages)


def grading_head(features: int, classes: int) -> nn.Sequential:
    """Global average and one linear layer: (B, features, H, W) → (B, classes)."""
    return nn.Sequential(
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(features, classes)
    )


class ResNet34(nn.Module):
    """Stem, trunk and head of ResNet-34 (He et al. 2016, Table 1)."""

    def __init__(self, config: ResNetConfig | None = None) -> None:
        super().__init__()
        self.config = config or ResNetConfig()
        width = self.config.width
        self.stem = nn.Sequential(
            *conv_bn_relu(self.config.channels, width, 7, stride=2),
            nn.MaxPool2d(3, stride=2, padding=1),
        )
        self.trunk = residual_trunk(width, self.config)
        self.head = grading_head(8 * width, self.config.classes)
        initialise(self)

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
            images,
            name="ResNet-34",
            channels=self.config.channels,
            smallest=SMALLEST,
        )
        logits: Tensor = self.head(self.trunk(self.stem(images)))
        return logits
