"""Grades a local archive directly, and compares with a run of the same set."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError

from diagnosis.actions.set_checks import record_comparison
from diagnosis.intake.archive import opened
from diagnosis.intake.errors import ArchiveRefused
from diagnosis.intake.examining import examine
from diagnosis.models import Purpose, SetRun, State
from portal.errors import PortalError
from portal.row_security import UPKEEP, in_the_name_of
from records.storage.errors import StorageError


class Command(BaseCommand):
    help = (
        "Grades the pictures of a local archive in this process, and says whether each"
        " got the very answer that came back through the exchange."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("run", type=UUID, help="the run's id, as in its address")
        parser.add_argument("archive", type=Path, help="the zip that was sent")

    def handle(self, *args: Any, **options: Any) -> None:
        # Imported here: it brings torch.
        from diagnosis.set_comparing import compare

        with in_the_name_of(UPKEEP):
            run = SetRun.objects.filter(pk=options["run"], state=State.DONE).first()
            if run is None:
                raise CommandError("There is no finished run of this id.")
            labelled = run.data_set.purpose == Purpose.VALIDATION
            try:
                with options["archive"].open("rb") as file, opened(file) as archive:
                    pictures = (
                        (each.outcome.number, each.png)
                        for each in examine(archive, labelled=labelled)
                        if each.outcome.number and each.png
                    )
                    found = compare(run, pictures, seconds=float("inf"))
            except (ArchiveRefused, PortalError, StorageError, OSError) as error:
                raise CommandError(str(error)) from error
            run.compared, run.differing, run.compared_at = 0, 0, None
            run.save(update_fields=["compared", "differing", "compared_at"])
            record_comparison(
                run=run,
                after=0,
                compared=found.pictures,
                differing=found.differing,
                goes_on=False,
            )
        self.stdout.write(
            f"{found.pictures} pictures graded directly, {run.done} through the exchange;"
            f" {found.differing} got another answer."
        )
        if found.differing or found.pictures != run.done:
            raise CommandError("Direct grading and the exchange do not agree.")
