"""Trains the default weights."""

import os
import time
from argparse import ArgumentParser
from dataclasses import replace
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from diagnosis.grading.manifest import DEFAULT_WEIGHTS
from diagnosis.training.data_set.reading import Source, read_data_set
from diagnosis.training.default_weights import RealSet, train_default_weights
from diagnosis.training.errors import DataSetRefused, TrainingError
from diagnosis.training.fitting.card import Origin
from diagnosis.training.measuring.crossing import folds_of
from diagnosis.training.recipe import Recipe


class Command(BaseCommand):
    help = (
        "Trains A-PSPNet and ResNet-W at quarter width on synthetic kidneys, and with"
        " --data on real frames too, whose list says label, mask, group and fold; then"
        " one more pair for each fold to measure on. Writes weights, manifest and model"
        " card. Killed, the same command goes on. No database is needed."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        usual = Recipe()
        parser.add_argument("--out", type=Path, default=DEFAULT_WEIGHTS)
        parser.add_argument("--data", type=Path, metavar="DIR|CSV")
        parser.add_argument(
            "--images", type=Path, metavar="DIR", help="where the list's paths start"
        )
        parser.add_argument(
            "--normal", default="normal", help="the label of normal kidneys"
        )
        parser.add_argument("--seed", type=int, default=usual.seed)
        parser.add_argument(
            "--per-grade",
            type=int,
            default=usual.per_grade,
            help="training phantoms of each grade",
        )
        parser.add_argument(
            "--without",
            type=int,
            default=usual.without,
            help="training phantoms without a kidney",
        )
        parser.add_argument(
            "--held-out",
            type=int,
            default=usual.held_out,
            help="phantoms of each kind to measure on",
        )
        parser.add_argument(
            "--processes",
            type=int,
            default=os.cpu_count() or 1,
            help="pairs trained at the same time, one for each core",
        )
        parser.add_argument(
            "--resamples", type=int, default=1000, help="of the bootstrap"
        )
        parser.add_argument("--source", default=Origin.source, help="of the images")
        parser.add_argument("--licence", default=Origin.licence, help="of the images")

    def handle(self, **options: Any) -> None:
        begin = time.monotonic()

        def tell(line: str) -> None:
            self.stdout.write(f"{time.monotonic() - begin:7.0f} s  {line}")
            self.stdout.flush()

        recipe = replace(
            Recipe(),
            **{
                name: options[name]
                for name in ("seed", "per_grade", "without", "held_out")
            },
        )
        try:
            measured = train_default_weights(
                options["out"],
                recipe,
                _real(options) if options["data"] else None,
                processes=options["processes"],
                resamples=options["resamples"],
                tell=tell,
            )
        except TrainingError as error:
            raise CommandError(str(error)) from error
        except KeyboardInterrupt as error:
            raise CommandError("Stopped. The same command goes on.") from error
        for name, figures in measured.real.items():
            tell(f"{name}, on real frames:")
            for figure, interval in figures.items():
                tell(
                    f"  {figure:<18} {interval.value:.3f}"
                    f" ({interval.low:.3f}–{interval.high:.3f})"
                )
        phantoms = measured.phantoms
        recognised, empty = phantoms.empty
        dice = ", ".join(f"{value:.3f}" for value in phantoms.dice)
        tell(
            f"{options['out']}: on phantoms Dice {dice} (background, kidney, fluid);"
            f" grade right {phantoms.accuracy:.1%} of {phantoms.graded}; no kidney"
            f" recognised {recognised} of {empty}"
        )


def _real(options: dict[str, Any]) -> RealSet:
    source = Source(options["data"], options["images"], split=False)
    data = read_data_set(source, segmentation=True)
    folds_of(data)
    samples = [sample for sample in data.samples if sample.split != "test"]
    labels = {sample.label for sample in samples}
    if options["normal"] not in labels or len(labels) < 2:
        raise DataSetRefused(
            f"Some frames must be labelled {options['normal']} and some not; the labels"
            f" here are {', '.join(sorted(str(label) for label in labels))}."
        )
    return RealSet(
        samples, options["normal"], Origin(options["source"], options["licence"])
    )
