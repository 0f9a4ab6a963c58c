"""Measures a trained network on a data set."""

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from diagnosis.grading.errors import GradingError
from diagnosis.grading.weights import write_whole
from diagnosis.management.commands.train_network import (
    add_data_arguments,
    source_of,
)
from diagnosis.networks.catalogue import CATALOGUE
from diagnosis.training.data_set.samples import SPLITS
from diagnosis.training.errors import TrainingError
from diagnosis.training.measuring.measuring import ALL, Question, validate_network
from diagnosis.training.measuring.plots import write_plots
from diagnosis.training.measuring.reports import Report, Resampling

SHOWN = ("accuracy", "macro_f1", "roc_auc_macro", "ece", "miou", "mpa", "dice")


class Command(BaseCommand):
    help = (
        "Measures a network that train_network trained: figures with bootstrap"
        " intervals over patients, every image alike and every exam alike,"
        " calibration, and accuracy against coverage. No database is needed."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("network", choices=list(CATALOGUE), metavar="NAME")
        parser.add_argument("--weights", type=Path, required=True, metavar="W")
        add_data_arguments(parser)
        parser.add_argument("--split", choices=(*SPLITS, ALL), default="val")
        parser.add_argument("--json", type=Path, metavar="OUT")
        parser.add_argument("--plots", type=Path, metavar="DIR")
        parser.add_argument(
            "--resamples", type=int, default=1000, help="of the bootstrap"
        )

    def handle(self, **options: Any) -> None:
        question = Question(
            network=options["network"],
            weights=options["weights"],
            source=source_of(options),
            seed=options["seed"],
            split=options["split"],
            resampling=Resampling(options["resamples"]),
        )
        try:
            report = validate_network(question, self.stdout.write)
            if options["json"]:
                content = json.dumps(report, indent=1, ensure_ascii=False)
                write_whole(options["json"], content.encode() + b"\n")
            if options["plots"]:
                write_plots(report, options["plots"])
        except (TrainingError, GradingError) as error:
            raise CommandError(str(error)) from error
        except OSError as error:
            raise CommandError(
                f"{error.filename} cannot be written ({error.strerror})."
            ) from error
        self._show(report)

    def _show(self, report: Report) -> None:
        for title, part in (
            ("every image alike", report),
            ("every exam alike", report["exam_weighted"]),
        ):
            self.stdout.write(f"{title}, with 95 % intervals over patients:")
            for name in SHOWN:
                if name in part["figures"]:
                    self.stdout.write(f"  {name:<14} {text(part['figures'][name])}")


def text(interval: dict[str, float | None]) -> str:
    """A figure with its interval, three digits."""
    value, low, high = (
        "—" if each is None else f"{each:.3f}" for each in interval.values()
    )
    return f"{value} ({low}–{high})"
