"""Networks run by torch, as they stand, in a float type."""

import copy
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from diagnosis.grading.backends.contract import Run
from diagnosis.grading.manifest import Part
from diagnosis.grading.weights import channels_last

CPU = torch.device("cpu")


@dataclass(frozen=True)
class Eager:
    """Module by module, in float32 and channels last."""

    device: torch.device = CPU
    name: str = "eager"
    dtype: torch.dtype = torch.float32

    def prepare(self, network: nn.Module, part: Part) -> Run:
        """Nothing to make: the modules run as they are."""
        del part
        return running(self.ready(network), self.dtype)

    def ready(self, network: nn.Module) -> nn.Module:
        """Move the weights once; a copy where their type changes."""
        if self.dtype is not torch.float32:
            network = channels_last(copy.deepcopy(network).to(self.dtype))
        return network.to(self.device)


def running(network: nn.Module, dtype: torch.dtype) -> Run:
    """A module as a function between float32 and float32."""

    def run(images: Tensor) -> Tensor:
        images = images.to(dtype, memory_format=torch.channels_last)
        logits: Tensor = network(images)
        return logits.float()

    return run


def device_of(network: nn.Module) -> torch.device:
    """Where a module's weights lie; the CPU for one without."""
    return next((weight.device for weight in network.parameters()), CPU)
