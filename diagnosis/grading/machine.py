"""What decides how fast a machine runs the networks."""

import hashlib
import platform
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import torch

CODE = Path(__file__).parents[1]


def best_device() -> torch.device:
    """The accelerator where there is one.

    Touches the driver: only for a process that does not fork any more.
    """
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def device_name(device: torch.device) -> str:
    """What a report calls the device: 'cpu', or the accelerator's model."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return device.type


def surroundings(device: torch.device) -> dict[str, str | int]:
    """Everything beside the weights on which a choice of backend depends."""
    return {
        "code": code_sha256(),
        "torch": torch.__version__,
        "onnxruntime": _version("onnxruntime"),
        "processor": processor(),
        "threads": torch.get_num_threads(),
        "device": device_name(device),
    }


@cache
def code_sha256() -> str:
    """Digest of the code that turns pixels into grades, hex."""
    digest = hashlib.sha256()
    for package in ("networks", "grading"):
        for file in sorted((CODE / package).rglob("*.py")):
            digest.update(str(file.relative_to(CODE)).encode() + b"\0")
            digest.update(hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()


def processor() -> str:
    """The CPU's model, as precisely as the system tells it."""
    wanted = ("model name", "cpu family", "model", "stepping")
    try:
        lines = Path("/proc/cpuinfo").read_text(errors="replace").splitlines()
    except OSError:
        lines = []
    fields = dict(line.partition(":")[::2] for line in reversed(lines))
    known = {name.strip(): value.strip() for name, value in fields.items()}
    described = " ".join(f"{name} {known[name]}" for name in wanted if name in known)
    return described or platform.processor() or platform.machine()


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "none"
