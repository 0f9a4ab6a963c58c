"""Networks compiled for this machine by TorchInductor."""

import copy
import shutil
import warnings
from dataclasses import dataclass

import torch
from torch import nn

from diagnosis.grading.backends.contract import Run
from diagnosis.grading.backends.modules import CPU, Eager, running
from diagnosis.grading.errors import BackendUnavailable
from diagnosis.grading.manifest import Part


@dataclass(frozen=True)
class Compiled:
    """torch.compile with the weights frozen into the program.

    The first batch of a size compiles, for seconds; ``prepare`` does so for one
    image. Needs a C++ compiler on a CPU.
    """

    device: torch.device = CPU
    name: str = "compiled"
    dtype: torch.dtype = torch.float32

    def prepare(self, network: nn.Module, part: Part) -> Run:
        """Compile for one image of the part's size."""
        if self.device == CPU and not (shutil.which("g++") or shutil.which("clang++")):
            raise BackendUnavailable(
                f"The backend {self.name} needs a C++ compiler, and neither g++ nor"
                " clang++ is installed here."
            )
        network = Eager(self.device, dtype=self.dtype).ready(copy.deepcopy(network))
        run = running(network, self.dtype)
        example = torch.zeros(1, 3, part.size, part.size, device=self.device)
        try:
            with torch.inference_mode(), warnings.catch_warnings():
                warnings.simplefilter("ignore")  # torch's, about its own past
                network.compile(options={"freezing": True})
                run(example)
        except (RuntimeError, OSError) as error:
            first = str(error).strip().splitlines()[0]
            raise BackendUnavailable(
                f"The network cannot be compiled here: {first}"
            ) from error
        return run
