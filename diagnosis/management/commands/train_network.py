"""Trains one network of the catalogue on a data set."""

import os
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

import torch
from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from diagnosis.networks.catalogue import CATALOGUE, Width
from diagnosis.networks.errors import NetworkError
from diagnosis.training.data_set.reading import Source
from diagnosis.training.errors import TrainingError
from diagnosis.training.fitting.card import Origin
from diagnosis.training.fitting.machine import (
    start_again,
    this_machine,
    under_torchrun,
)
from diagnosis.training.fitting.settings import (
    BALANCED,
    BEST_EPOCH,
    EVEN,
    LAST_EPOCH,
)
from diagnosis.training.fitting.training import Job, train_network

RECIPE = (
    "epochs",
    "batch",
    "rate",
    "decay",
    "patience",
    "class_weights",
    "size",
    "per_exam",
    "keep",
)
MOST_WORKERS = 8


class Command(BaseCommand):
    help = (
        "Trains a network on a folder (a sub-folder for each class, or images with"
        " masks beside them) or a CSV list (path, label; mask, split, group or patient,"
        " fold). Killed, the same command goes on. Uses every GPU there is. No database"
        " is needed."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("network", choices=list(CATALOGUE), metavar="NAME")
        add_data_arguments(parser)
        parser.add_argument("--out", type=Path, required=True, metavar="DIR")
        add_recipe_arguments(parser)
        parser.add_argument(
            "--patience", type=int, help="epochs without a better score on val"
        )
        parser.add_argument(
            "--keep",
            choices=(BEST_EPOCH, LAST_EPOCH),
            help="the epoch whose weights are kept: the last one where val is also"
            " what is measured on",
        )
        parser.add_argument("--processes", type=int, help="one for each GPU")

    def handle(self, **options: Any) -> None:
        processes = options["processes"] or torch.cuda.device_count()
        if processes > 1 and not under_torchrun():
            start_again(processes)
        try:
            with this_machine() as machine:
                tell = tqdm.write if machine.chief else _silent
                progress = train_network(_job(options), machine, tell)
        except (TrainingError, NetworkError) as error:
            if int(os.environ.get("RANK", "0")):
                raise SystemExit(1) from error  # the first process says why
            raise CommandError(str(error)) from error
        except KeyboardInterrupt as error:
            raise CommandError("Stopped. The same command goes on.") from error
        tell(f"{options['out']}: epoch {progress.best}, {progress.best_score:.4f}")


def add_data_arguments(parser: ArgumentParser) -> None:
    """What training and measuring both ask about a data set."""
    parser.add_argument("--data", type=Path, required=True, metavar="DIR|CSV")
    parser.add_argument(
        "--images", type=Path, metavar="DIR", help="where the list's paths start"
    )
    parser.add_argument("--fold", type=int, help="of the list: val, others are train")
    parser.add_argument(
        "--seed", type=int, help="of the split where there is none, and of training"
    )


def add_recipe_arguments(parser: ArgumentParser) -> None:
    """What says how networks are trained."""
    parser.add_argument(
        "--classes",
        type=lambda text: tuple(name.strip() for name in text.split(",")),
        metavar="NAME,NAME,…",
        help="in the order of the outputs",
    )
    parser.add_argument(
        "--width",
        choices=[width.name.lower() for width in Width],
        default=Width.FULL.name.lower(),
    )
    recipe = parser.add_argument_group("the paper's recipe, unless given")
    recipe.add_argument("--epochs", type=int)
    recipe.add_argument("--batch", type=int)
    recipe.add_argument("--rate", type=float, help="of Adam in the first epoch")
    recipe.add_argument("--decay", type=float, help="of the rate, each epoch")
    recipe.add_argument("--size", type=int, help="side of the input, in pixels")
    recipe.add_argument(
        "--class-weights",
        type=class_weights,
        metavar="W,W,… | balanced | even",
    )
    recipe.add_argument("--no-augmentation", action="store_true")
    recipe.add_argument(
        "--per-exam",
        type=int,
        metavar="N",
        help="frames of an exam and label in each epoch, drawn anew",
    )
    parser.add_argument(
        "--precision",
        choices=("float32", "bfloat16"),
        help="bfloat16 on a GPU that has it, else float32",
    )
    parser.add_argument("--workers", type=int, help="processes that read files")
    parser.add_argument("--source", default=Origin.source, help="of the images")
    parser.add_argument("--licence", default=Origin.licence, help="of the images")


def source_of(options: dict[str, Any]) -> Source:
    """The data set that the options name."""
    return Source(
        path=options["data"],
        images=options["images"],
        classes=options.get("classes"),
        fold=options["fold"],
        seed=options["seed"] or 0,
    )


def class_weights(text: str) -> tuple[float, ...] | str:
    """Numbers with commas between, or a word."""
    if text in (BALANCED, EVEN):
        return text
    return tuple(float(weight) for weight in text.split(","))


def changes_of(options: dict[str, Any]) -> dict[str, Any]:
    """What the options change of the papers' recipe, by the names in ``Settings``."""
    half = torch.cuda.is_available() and torch.cuda.is_bf16_supported()
    changes = {name: options[name] for name in RECIPE if options.get(name) is not None}
    return changes | {
        "width": Width[options["width"].upper()],
        "seed": options["seed"] or 0,
        "fold": options["fold"],
        "augment": not options["no_augmentation"],
        "precision": options["precision"] or ("bfloat16" if half else "float32"),
    }


def readers(options: dict[str, Any]) -> int:
    """How many processes read files: none on a CPU, which is busy enough."""
    if options["workers"] is not None:
        return int(options["workers"])
    return min(os.cpu_count() or 1, MOST_WORKERS) if torch.cuda.is_available() else 0


def _job(options: dict[str, Any]) -> Job:
    return Job(
        network=options["network"],
        source=source_of(options),
        out=options["out"],
        changes=changes_of(options),
        origin=Origin(options["source"], options["licence"]),
        workers=readers(options),
    )


def _silent(line: str) -> None:
    """Other processes say nothing."""
