"""Compares networks on folds that they have not learnt from."""

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from diagnosis.grading.errors import GradingError
from diagnosis.grading.weights import write_whole
from diagnosis.management.commands.train_network import (
    add_data_arguments,
    add_recipe_arguments,
    changes_of,
    readers,
    source_of,
)
from diagnosis.management.commands.validate_network import text
from diagnosis.networks.catalogue import CATALOGUE
from diagnosis.networks.errors import NetworkError
from diagnosis.training.errors import TrainingError
from diagnosis.training.fitting.card import Origin
from diagnosis.training.fitting.machine import this_machine
from diagnosis.training.measuring.crossing import Trial, cross_validate
from diagnosis.training.measuring.reports import Report, Resampling

SHOWN = ("accuracy", "roc_auc_macro", "miou", "dice_without_background")


class Command(BaseCommand):
    help = (
        "Trains each network once for each fold of a list, on the other folds, and"
        " measures all of them on what they have not seen, beside how far the first"
        " lies above the others. The last epoch's weights answer, so nothing is chosen"
        " on what is measured. Killed, the same command goes on. No database is needed."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "networks", choices=list(CATALOGUE), nargs="+", metavar="NAME"
        )
        add_data_arguments(parser)
        add_recipe_arguments(parser)
        parser.add_argument("--out", type=Path, required=True, metavar="DIR")
        parser.add_argument(
            "--own-rate",
            type=_own_rate,
            action="append",
            default=[],
            metavar="NAME=RATE",
            help="the first rate of one network",
        )
        parser.add_argument("--json", type=Path, metavar="OUT")
        parser.add_argument(
            "--resamples", type=int, default=1000, help="of the bootstrap"
        )

    def handle(self, **options: Any) -> None:
        if options["fold"] is not None:
            raise CommandError("Every fold is measured in turn: leave --fold out.")
        changes = changes_of(options)
        del changes["fold"]
        trial = Trial(
            networks=tuple(options["networks"]),
            source=source_of(options),
            out=options["out"],
            changes=changes,
            rates=dict(options["own_rate"]),
            origin=Origin(options["source"], options["licence"]),
            resampling=Resampling(options["resamples"]),
            workers=readers(options),
        )
        try:
            with this_machine() as machine:
                report = cross_validate(trial, machine, self._tell)
            if options["json"]:
                content = json.dumps(report, indent=1, ensure_ascii=False)
                write_whole(options["json"], content.encode() + b"\n")
        except (TrainingError, NetworkError, GradingError) as error:
            raise CommandError(str(error)) from error
        except OSError as error:
            raise CommandError(
                f"{error.filename} cannot be written ({error.strerror})."
            ) from error
        except KeyboardInterrupt as error:
            raise CommandError("Stopped. The same command goes on.") from error
        self._show(report)

    def _tell(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()

    def _show(self, report: Report) -> None:
        self.stdout.write("every exam alike, with 95 % intervals over patients:")
        for name, part in report["networks"].items():
            above = report["first_above"].get(name, {"figures": {}})["figures"]
            self.stdout.write(name)
            for figure in SHOWN:
                if figure in part["exam_weighted"]["figures"]:
                    line = f"  {figure:<24} {text(part['exam_weighted']['figures'][figure])}"
                    if figure in above:
                        line += f"; the first lies {text(above[figure])} above"
                    self.stdout.write(line)


def _own_rate(argument: str) -> tuple[str, float]:
    name, _, rate = argument.partition("=")
    if name not in CATALOGUE:
        raise ValueError(name)
    return name, float(rate)
