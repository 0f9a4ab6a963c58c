"""ResNet-34 for grading."""

from dataclasses import dataclass

from torch import Tensor, nn

from diagnosis.networks.blocks import BasicBlock, conv_bn_relu, initialise
from diagnosis.networks.config import NetworkConfig
from diagnosis.networks.heads import grading_head
from diagnosis.networks.shapes import check_images
from diagnosis.networks.wavelet_layers import Pooling, pooling

SMALLEST = 32  # the trunk halves the sides five times


@dataclass(frozen=True, kw_only=True)
class ResNetConfig(NetworkConfig):
    """What defines a ResNet-34 or a ResNet-W.

    Attributes:
        blocks: residual blocks in each of the four stages.
        pool: what stands at ResNet-34's one pooling: its own maximum; the Haar
            approximation, as in the UPJO paper's Fig. 11; or all four bands, which
            make one trunk of ResNet-W's two.
        wavelet: of ResNet-W's transform.
    """

    blocks: tuple[int, int, int, int] = (3, 4, 6, 3)
    pool: Pooling = "max"
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


class ResNet34(nn.Module):
    """Stem, trunk and head of ResNet-34 (He et al. 2016, Table 1)."""

    def __init__(self, config: ResNetConfig | None = None) -> None:
        super().__init__()
        self.config = config or ResNetConfig()
        width = self.config.width
        self.stem = nn.Sequential(
            *conv_bn_relu(self.config.channels, width, 7, stride=2),
            pooling(self.config.pool, padding=1),
        )
        bands = 4 if self.config.pool == "bands" else 1
        self.trunk = residual_trunk(bands * width, self.config)
        self.head = grading_head(8 * width, self.config.classes)
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
            images,
            name="ResNet-34",
            channels=self.config.channels,
            smallest=SMALLEST,
        )
        logits: Tensor = self.head(self.trunk(self.stem(images)))
        return logits
