"""Registers a folder of weights as a version that may come to grade."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from diagnosis.actions.versions import register_version
from diagnosis.grading.errors import GradingError
from diagnosis.grading.pipeline import Grader
from portal.errors import PortalError
from records.storage.errors import StorageError


class Command(BaseCommand):
    help = (
        "Registers a folder of weights: weights.json, both networks, MODEL_CARD.md. It"
        " grades nothing yet; steer_model, or the page about it, lets it."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("folder", type=Path, metavar="DIR")
        parser.add_argument("--intended-use", required=True, metavar="SENTENCE")
        parser.add_argument("--warnings", required=True, metavar="SENTENCE")
        parser.add_argument("--approved-by", required=True, metavar="WHO")

    def handle(self, **options: Any) -> None:
        folder = options["folder"]
        try:
            Grader.load(folder)  # only networks that load may come to grade
            version = register_version(
                folder=folder,
                intended_use=options["intended_use"],
                warnings=options["warnings"],
                approved_by=options["approved_by"],
            )
        except (GradingError, PortalError, StorageError, OSError) as error:
            raise CommandError(str(error)) from error
        self.stdout.write(
            f"{version} is registered.\n"
            f"  weights  {version.weights_sha256}\n"
            f"  CID      {version.cid}\n"
            f"It grades nothing yet: manage.py steer_model {version} shadow"
        )
