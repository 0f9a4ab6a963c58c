"""Measures every way of running the networks on this machine."""

import json
from argparse import ArgumentParser
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from diagnosis.grading.backends.registry import NAMES
from diagnosis.grading.choosing import (
    MOST_MOVED,
    MOST_SHIFT,
    ROUNDS,
    Choice,
    Measured,
    choose,
)
from diagnosis.grading.errors import GradingError
from diagnosis.grading.framing import Pixels
from diagnosis.grading.keeping import keep
from diagnosis.grading.machine import best_device, surroundings
from diagnosis.imaging.decoding import decode
from diagnosis.imaging.desensitising import desensitise
from diagnosis.imaging.errors import ImageRefused
from diagnosis.loading import sample_frames
from diagnosis.management.commands.grade_file import files_under


class Command(BaseCommand):
    help = (
        "Grades the same images with every backend, compiled ones included; those"
        f" that change a grade, move a probability by more than {MOST_SHIFT:g}, or"
        f" mark more than {MOST_MOVED:.1%} of a frame otherwise are out; the fastest"
        " of the others is what workers take from their next start. No database is"
        " needed."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--weights", type=Path, default=settings.MODEL_DIR, metavar="DIR"
        )
        parser.add_argument(
            "--images",
            type=Path,
            metavar="DIR",
            help="PNG, JPEG or DICOM files; without it, four synthetic frames",
        )
        parser.add_argument("--json", type=Path, metavar="OUT", help="write a file")
        parser.add_argument("--rounds", type=int, default=ROUNDS, metavar="N")
        parser.add_argument(
            "--only",
            nargs="+",
            choices=NAMES,
            default=NAMES,
            metavar="NAME",
            help=f"of {', '.join(NAMES)}; eager always",
        )

    def handle(self, **options: Any) -> None:
        device, cache = best_device(), settings.INFERENCE_CACHE
        weights, images = options["weights"], options["images"]
        frames = list(frames_under(images)) if images else sample_frames()
        if not frames or options["rounds"] < 1:
            raise CommandError("There must be an image to grade, and a round.")
        self.stdout.write(f"{len(frames)} images, {_described(surroundings(device))}")
        try:
            choice = choose(
                weights,
                frames,
                device=device,
                cache=cache,
                names=options["only"],
                rounds=options["rounds"],
            )
            kept = keep(choice, cache, weights, device)
            if options["json"]:
                options["json"].write_text(_json(choice, surroundings(device)))
        except GradingError as error:
            raise CommandError(str(error)) from error
        except OSError as error:
            raise CommandError(f"The choice cannot be written: {error}.") from error
        self._show(choice, kept)

    def _show(self, choice: Choice, kept: Path) -> None:
        self.stdout.write(
            f"{'backend':<18} {'ms':>8} {'grades':>8} {'probability':>12} {'mask':>8}"
        )
        for row in choice.measured:
            self.stdout.write(_line(row, chosen=row.backend == choice.backend))
        self.stdout.write(f"Kept in {kept}.")
        if forced := settings.GRADING_BACKEND:
            self.stdout.write(
                f"GRADING_BACKEND is set: workers take {forced} whatever was measured."
            )


def frames_under(folder: Path) -> Iterator[Pixels]:
    """The first frame of every file, as the worker would get it.

    Raises:
        CommandError: a file is no image, or there is no such folder.
    """
    if not folder.exists():
        raise CommandError(f"No such file or folder: {folder}.")
    for path in files_under([folder]):
        try:
            yield desensitise(decode(path.read_bytes())).pixels
        except (ImageRefused, OSError) as error:
            raise CommandError(f"{path}: {error}") from error


def _line(row: Measured, *, chosen: bool) -> str:
    if row.milliseconds is None:
        return f"{row.backend:<18} {row.obstacle}"
    verdict = "chosen" if chosen else "" if row.agrees else "out"
    return (
        f"{row.backend:<18} {row.milliseconds:>8.1f} {row.grades_changed:>8}"
        f" {row.shift:>12.1e} {row.moved:>8.2%} {verdict}"
    ).rstrip()


def _described(machine: dict[str, str | int]) -> str:
    told = ("device", "processor", "threads", "torch", "onnxruntime")
    return ", ".join(f"{name} {machine[name]}" for name in told)


def _json(choice: Choice, machine: dict[str, str | int]) -> str:
    rows = [asdict(row) | {"agrees": row.agrees} for row in choice.measured]
    fields = {"chosen": choice.backend, "surroundings": machine, "measured": rows}
    return json.dumps(fields, indent=2, ensure_ascii=False) + "\n"
