"""Networks with auxiliary heads, which help the first layers learn."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from diagnosis.networks.blocks import initialise
from diagnosis.networks.config import NetworkConfig
from diagnosis.networks.shapes import check_images


class Deep(nn.Module):
    """Stages in a row, auxiliary heads behind the first of them, a head.

    Published code answers with one type in training and another after it; here
    ``forward`` is always the head's answer, and training asks ``all_logits``.
    """

    name: str
    smallest: int

    def __init__(
        self,
        config: NetworkConfig,
        *,
        stages: Sequence[nn.Module],
        auxiliary: Sequence[nn.Module],
        head: nn.Module,
    ) -> None:
        super().__init__()
        self.config = config
        self.stages = nn.ModuleList(stages)
        self.auxiliary = nn.ModuleList(auxiliary)
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
        logits: Tensor = self.head(self._features(images)[-1])
        return logits

    def all_logits(self, images: Tensor) -> Tensor:
        """The head's answer and the auxiliary heads', for training.

        Returns:
            (1 + A, B, K) logits, the head's first; A is 0 without auxiliary heads.

        Raises:
            ShapeError: the batch does not fit.
        """
        *inner, last = self._features(images)
        beside = [
            head(features)
            for head, features in zip(self.auxiliary, inner, strict=False)
        ]
        return torch.stack((self.head(last), *beside))

    def _features(self, images: Tensor) -> list[Tensor]:
        """What each stage makes."""
        check_images(
            images,
            name=self.name,
            channels=self.config.channels,
            smallest=self.smallest,
        )
        made = [images]
        for stage in self.stages:
            made.append(stage(made[-1]))
        return made[1:]


class AllAnswers(nn.Module):
    """A network as training calls it: with what its auxiliary heads say, if it has any."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: Tensor) -> Tensor:
        """Answer for a batch.

        Returns:
            (1 + A, B, …) of the network's own answer and A auxiliary ones.
        """
        if isinstance(self.network, Deep):
            return self.network.all_logits(images)
        answer: Tensor = self.network(images)
        return answer.unsqueeze(0)
