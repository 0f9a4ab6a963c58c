"""What every backend promises."""

from collections.abc import Callable
from typing import Protocol

import torch
from torch import Tensor, nn

from diagnosis.grading.manifest import Part

Run = Callable[[Tensor], Tensor]
"""(B, 3, H, W) float32 → logits, float32, both on the backend's device."""


class Backend(Protocol):
    """A way to run a network."""

    @property
    def name(self) -> str:
        """What reports, settings and tables call it."""
        ...

    @property
    def device(self) -> torch.device:
        """Where images are given and logits come back."""
        ...

    def prepare(self, network: nn.Module, part: Part) -> Run:
        """Make a network ready, whatever that takes.

        Args:
            network: in eval mode, float32. It is kept, moved, or copied.
            part: its size; its digest, under which what was made may be kept.

        Returns:
            A function of batches of any size, each row by itself.

        Raises:
            BackendUnavailable: this machine lacks something; the sentence says what.
        """
        ...
