"""A choice of backend on disk, so that all workers of a machine choose alike."""

import fcntl
import hashlib
import json
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

import torch

from diagnosis.grading.backends.registry import NAMES
from diagnosis.grading.choosing import Choice, Measured
from diagnosis.grading.machine import surroundings
from diagnosis.grading.manifest import read_manifest
from diagnosis.grading.weights import write_whole

logger = logging.getLogger(__name__)
Surroundings = dict[str, str | int]


def choice_file(cache: Path, folder: Path, device: torch.device) -> Path:
    """Where the choice for these weights on this machine lies.

    Raises:
        WeightsRejected: the folder has no manifest.
    """
    key = json.dumps(_key(folder, device), sort_keys=True).encode()
    return cache / f"choice-{hashlib.sha256(key).hexdigest()[:32]}.json"


def kept_or_made(
    cache: Path, folder: Path, device: torch.device, make: Callable[[], Choice]
) -> Choice:
    """The choice of an earlier run; else it is made and kept.

    Of several processes one makes it, while the others wait for it. Where it
    cannot be kept, it is made each time.
    """
    file = choice_file(cache, folder, device)
    try:
        with _alone(file):
            if choice := read_choice(file):
                return choice
            choice = make()
            keep(choice, cache, folder, device)
            return choice
    except OSError as error:
        logger.warning("The choice of a backend could not be kept: %s", error)
        return make()


def keep(choice: Choice, cache: Path, folder: Path, device: torch.device) -> Path:
    """Write a choice with what it depends on.

    Raises:
        OSError: it cannot be written; an earlier choice stays.
    """
    file = choice_file(cache, folder, device)
    fields = {
        "chosen": choice.backend,
        "surroundings": _key(folder, device),
        "measured": [asdict(row) for row in choice.measured],
    }
    write_whole(file, (json.dumps(fields, indent=2) + "\n").encode())
    return file


def read_choice(file: Path) -> Choice | None:
    """A kept choice; None where there is none that can be read."""
    try:
        fields = json.loads(file.read_bytes())
        choice = Choice(tuple(Measured(**row) for row in fields["measured"]))
        known = choice.backend == fields["chosen"] and choice.backend in NAMES
    except (OSError, ValueError, TypeError, KeyError):
        return None
    return choice if known else None


def _key(folder: Path, device: torch.device) -> Surroundings:
    return {"weights": read_manifest(folder)[1], **surroundings(device)}


@contextmanager
def _alone(file: Path) -> Iterator[None]:
    """Let one process at a time in; the lock ends with its process."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
