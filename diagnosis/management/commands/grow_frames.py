"""Makes a graded data set out of frames of normal kidneys."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from diagnosis.training.data_set.reading import Source, read_data_set
from diagnosis.training.errors import TrainingError
from diagnosis.training.growing import grow_frames


class Command(BaseCommand):
    help = (
        "Grow hydronephrosis of each grade into frames of normal kidneys, and write"
        " them with exact masks of the fluid and a list that train_network reads."
        " Split, fold and patient of each frame go along. No database is needed."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--data", type=Path, required=True, metavar="DIR_OR_CSV")
        parser.add_argument(
            "--images", type=Path, help="the folder that a list's paths start from"
        )
        parser.add_argument(
            "--label", default="normal", help="of the normal kidneys; normal"
        )
        parser.add_argument("--out", type=Path, required=True)
        parser.add_argument("--seed", type=int, default=0)

    def handle(self, **options: Any) -> None:
        source = Source(options["data"], images=options["images"], split=False)
        try:
            data = read_data_set(source, segmentation=False)
            grown, left_out = grow_frames(
                data, options["out"], label=options["label"], seed=options["seed"]
            )
        except TrainingError as error:
            raise CommandError(str(error)) from error
        except FileExistsError as error:
            raise CommandError(f"{error.filename} is there already.") from error
        except OSError as error:
            raise CommandError(
                f"{error.filename} cannot be written ({error.strerror})."
            ) from error
        self.stdout.write(
            f"{grown} frames are grown in each grade; {left_out} show no sinus and are"
            " left out."
        )
