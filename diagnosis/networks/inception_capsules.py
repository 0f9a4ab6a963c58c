"""IV3*: capsules on the features of Inception-v3."""

from dataclasses import dataclass

from torch import Tensor, nn

from diagnosis.networks.blocks import initialise
from diagnosis.networks.capsules import ClassCapsules, PrimaryCapsules, lengths
from diagnosis.networks.config import NetworkConfig
from diagnosis.networks.inception import FEATURES, inception_stages
from diagnosis.networks.shapes import check_images

GRID = 8  # cells along each side of the last block, at 299 × 299 pixels


@dataclass(frozen=True, kw_only=True)
class CapsuleConfig(NetworkConfig):
    """What defines an IV3*; the COVID paper gives none of the head's sizes.

    Attributes:
        types: primary capsules at each cell, at full width.
        primary: components of a primary capsule.
        upper: components of a class capsule.
        iterations: of the routing.
    """

    classes: int = 2
    types: int = 32
    primary: int = 8
    upper: int = 16
    iterations: int = 3


class CapsuleHead(nn.Module):
    """Primary capsules at 8 × 8 cells, a capsule for each class."""

    def __init__(self, config: CapsuleConfig) -> None:
        super().__init__()
        types = config.scaled(config.types)
        self.cells = nn.AdaptiveAvgPool2d(GRID)
        self.primary = PrimaryCapsules(
            config.scaled(FEATURES), types=types, size=config.primary
        )
        self.classes = ClassCapsules(
            types * GRID**2,
            config.primary,
            config.classes,
            size=config.upper,
            iterations=config.iterations,
        )

    def forward(self, features: Tensor) -> Tensor:
        """(B, C, H, W) → (B, K, D); a larger map is averaged to 8 × 8 cells."""
        capsules: Tensor = self.classes(self.primary(self.cells(features)))
        return capsules


class InceptionCapsules(nn.Module):
    """Trunk of Inception-v3 and capsules for a head (COVID paper, Fig. 1)."""

    name = "IV3*"
    smallest = 299  # the least side that has the head's 8 cells

    def __init__(self, config: CapsuleConfig | None = None) -> None:
        super().__init__()
        self.config = config or CapsuleConfig()
        self.trunk = nn.Sequential(*inception_stages(self.config))
        self.head = CapsuleHead(self.config)
        # He's spread would drive the primary capsules to length 1 from the start.
        initialise(self.trunk, norm=self.config.norm)

    def forward(self, images: Tensor) -> Tensor:
        """How present each class is.

        Args:
            images: (B, C, H, W) float, normalised; 299 × 299 in the paper.

        Returns:
            (B, K) lengths of the class capsules, in [0, 1). They are no logits and
            need not sum to 1: train with the margin loss.

        Raises:
            ShapeError: the batch does not fit.
        """
        check_images(
            images,
            name=self.name,
            channels=self.config.channels,
            smallest=self.smallest,
        )
        return lengths(self.head(self.trunk(images)))
