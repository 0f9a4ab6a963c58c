"""Makes a trained capsule network the weights of the lung's grader."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from diagnosis.grading.errors import WeightsRejected
from diagnosis.lung.adopting import adopt
from diagnosis.lung.errors import LungError
from diagnosis.training.errors import TrainingError


class Command(BaseCommand):
    help = (
        "Writes lung.json and a card beside a network that train_network made of"
        " window_ct's pictures. No database is needed."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("folder", type=Path, metavar="DIR", help="of train_network")
        parser.add_argument("--data", type=Path, required=True, metavar="PICTURES")
        parser.add_argument("--set-version", required=True, metavar="NAME")

    def handle(self, **options: Any) -> None:
        try:
            manifest = adopt(
                options["folder"], options["data"], version=options["set_version"]
            )
        except (WeightsRejected, LungError, TrainingError, OSError) as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"{options['folder']}: {manifest.version} can grade.")
