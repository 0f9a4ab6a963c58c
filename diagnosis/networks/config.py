"""What the configuration of every network says."""

from dataclasses import dataclass
from typing import Literal

Norm = Literal["batch", "group"]


@dataclass(frozen=True, kw_only=True)
class NetworkConfig:
    """What defines a network, as far as all have it.

    Attributes:
        width: of every layer, in sixty-fourths of the paper's: 64 is the paper's
            own, 16 quarter width.
        classes: kinds of image or of pixel told apart.
        channels: channels of the input image.
        norm: what stands where the paper normalises over the batch; groups of
            channels do where a batch must not mix its images, as in private
            training. A paper that normalises nowhere has neither.
    """

    width: int = 64
    classes: int = 3
    channels: int = 3
    norm: Norm = "batch"

    def scaled(self, channels: int) -> int:
        """The paper's number of channels at this width."""
        return channels * self.width // 64
