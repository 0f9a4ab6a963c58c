"""Trains the default weights from synthetic kidneys."""

import time
from argparse import ArgumentParser
from dataclasses import replace
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand

from diagnosis.grading.manifest import DEFAULT_WEIGHTS
from diagnosis.training.pair import train_pair
from diagnosis.training.recipe import Recipe


class Command(BaseCommand):
    help = (
        "Trains A-PSPNet and ResNet-W at quarter width on synthetic kidneys, then"
        " writes their weights, manifest and model card. No database is needed; on"
        " two CPU cores it takes about half an hour."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        usual = Recipe()
        parser.add_argument("--out", type=Path, default=DEFAULT_WEIGHTS)
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
        figures = train_pair(options["out"], recipe, tell=tell)
        recognised, empty = figures.empty
        dice = ", ".join(f"{value:.3f}" for value in figures.dice)
        tell(
            f"{options['out']}: Dice {dice} (background, kidney, fluid); grade right"
            f" {figures.accuracy:.1%} of {figures.graded}; no kidney recognised"
            f" {recognised} of {empty}"
        )
