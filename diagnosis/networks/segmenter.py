"""The frame of a network that answers for every pixel."""

from abc import ABC, abstractmethod

from torch import Tensor, nn

from diagnosis.networks.config import NetworkConfig
from diagnosis.networks.shapes import check_images


class Segmenter(nn.Module, ABC):
    """A check before, and the input's own size after."""

    name: str
    smallest: int
    config: NetworkConfig

    def forward(self, images: Tensor) -> Tensor:
        """Label every pixel of a batch.

        Args:
            images: (B, C, H, W) float, normalised; 473 × 473 in the paper.

        Returns:
            (B, K, H, W) logits.

        Raises:
            ShapeError: the batch does not fit.
        """
        check_images(
            images,
            name=self.name,
            channels=self.config.channels,
            smallest=self.smallest,
        )
        return self.label(images)

    @abstractmethod
    def label(self, images: Tensor) -> Tensor:
        """The logits of images that were checked."""
