"""The frame of a network that answers once for an image."""

from torch import Tensor, nn

from diagnosis.networks.blocks import initialise
from diagnosis.networks.config import NetworkConfig
from diagnosis.networks.shapes import check_images


class Classifier(nn.Module):
    """A trunk that makes features and a head that reads them."""

    name: str
    smallest: int

    def __init__(
        self, config: NetworkConfig, *, trunk: nn.Module, head: nn.Module
    ) -> None:
        super().__init__()
        self.config = config
        self.trunk = trunk
        self.head = head
        initialise(self, norm=config.norm)

    def forward(self, images: Tensor) -> Tensor:
        """Answer for a batch.

        Args:
            images: (B, C, H, W) float, normalised.

        Returns:
            (B, K) logits.

        Raises:
            ShapeError: the batch does not fit.
        """
        self.check(images)
        logits: Tensor = self.head(self.trunk(images))
        return logits

    def check(self, images: Tensor) -> None:
        """Refuse what the network cannot read, saying what would do.

        Raises:
            ShapeError: the batch does not fit.
        """
        check_images(
            images,
            name=self.name,
            channels=self.config.channels,
            smallest=self.smallest,
        )
