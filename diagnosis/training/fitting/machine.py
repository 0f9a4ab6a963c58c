"""On what a network is trained: a CPU, a GPU, or one process for each of several."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import torch
from torch import Tensor, distributed, nn
from torch.nn.parallel import DistributedDataParallel

from diagnosis.training.fitting.batches import Share


@dataclass(frozen=True)
class Machine:
    """This process's device, and its share of the work.

    Attributes:
        device: where tensors lie.
        share: the part of each batch that is its own.
    """

    device: torch.device
    share: Share = field(default_factory=Share)

    @property
    def chief(self) -> bool:
        """Whether this process writes files and lines."""
        return self.share.rank == 0

    def parallel(self, network: nn.Module) -> nn.Module:
        """The network as training calls it: gradients are averaged over all."""
        if self.share.world == 1:
            return network
        if self.device.type == "cuda":
            network = nn.SyncBatchNorm.convert_sync_batchnorm(  # type: ignore[no-untyped-call]
                network
            )
        return DistributedDataParallel(network)

    def total(self, tensor: Tensor) -> Tensor:
        """Add up over all processes."""
        if self.share.world > 1:
            distributed.all_reduce(tensor)
        return tensor


@contextmanager
def this_machine() -> Iterator[Machine]:
    """The accelerator where there is one, joined to the others under torchrun."""
    accelerated = torch.cuda.is_available()
    world = int(os.environ.get("WORLD_SIZE", "1"))
    local = int(os.environ.get("LOCAL_RANK", "0"))
    device = torch.device("cuda", local) if accelerated else torch.device("cpu")
    if accelerated:
        torch.cuda.set_device(device)
    if world == 1:
        yield Machine(device)
        return
    distributed.init_process_group("nccl" if accelerated else "gloo")
    try:
        yield Machine(device, Share(distributed.get_rank(), world))
    finally:
        distributed.destroy_process_group()


def under_torchrun() -> bool:
    """Whether torchrun started this process."""
    return "WORLD_SIZE" in os.environ


def start_again(processes: int) -> None:
    """Become torchrun, which starts this very command in several processes."""
    os.execv(  # noqa: S606 (our own interpreter, our own arguments)
        sys.executable,
        [
            *(sys.executable, "-m", "torch.distributed.run", "--standalone"),
            *("--nproc-per-node", str(processes), *sys.argv),
        ],
    )
