"""Every backend by name."""

from collections.abc import Callable, Mapping
from pathlib import Path

import torch

from diagnosis.grading.backends.compiled import Compiled
from diagnosis.grading.backends.contract import Backend
from diagnosis.grading.backends.modules import CPU, Eager
from diagnosis.grading.backends.onnx import OnnxRuntime
from diagnosis.grading.errors import BackendUnavailable

REFERENCE = "eager"
"""What the others are compared with."""

_MAKERS: Mapping[str, Callable[[torch.device, Path | None], Backend]] = {
    "eager": lambda device, _: Eager(device),
    "bfloat16": lambda device, _: Eager(device, "bfloat16", torch.bfloat16),
    "onnx": lambda _, cache: OnnxRuntime(cache),
    "compiled": lambda device, _: Compiled(device),
    "compiled-bfloat16": lambda device, _: Compiled(
        device, "compiled-bfloat16", torch.bfloat16
    ),
}
NAMES = tuple(_MAKERS)
QUICK = ("eager", "bfloat16", "onnx")
"""Those that a worker may try by itself: the others compile for long."""


def make_backend(
    name: str, *, device: torch.device = CPU, cache: Path | None = None
) -> Backend:
    """A backend on a device.

    Args:
        name: one of NAMES.
        device: where it is to run.
        cache: a folder in which it may keep what it makes of a network.

    Raises:
        BackendUnavailable: there is none of that name, or not on that device.
    """
    if name not in _MAKERS:
        raise BackendUnavailable(
            f"There is no backend {name!r}; these would do: {', '.join(NAMES)}."
        )
    backend = _MAKERS[name](device, cache)
    if backend.device != device:
        raise BackendUnavailable(f"The backend {name} runs on {backend.device} only.")
    return backend
