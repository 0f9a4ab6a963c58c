"""Turns labelled CT series into pictures to train a network on."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from diagnosis.lung.errors import LungError
from diagnosis.lung.pictures import write_pictures


class Command(BaseCommand):
    help = (
        "Writes DIR/FINDING/PATIENT, folders or zips of CT slices, as pictures in the"
        " lung's three Hounsfield windows, for train_network IV3*. No database is needed."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--data", type=Path, required=True, metavar="DIR")
        parser.add_argument("--out", type=Path, required=True, metavar="DIR")

    def handle(self, **options: Any) -> None:
        try:
            write_pictures(options["data"], options["out"], tell=self.stdout.write)
        except LungError as error:
            raise CommandError(str(error)) from error
