"""Hashes stored contents again, and says which were mended or stay damaged."""

from argparse import ArgumentParser, ArgumentTypeError
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from records.scrubbing import SHARE, scrub, share_of
from records.storage.errors import StorageError


class Command(BaseCommand):
    help = (
        "Read the sealed contents that were looked at longest ago and hash every block"
        " again; mend from other institutions' nodes what is damaged or missing."
        " Ends with 1 where something stays damaged, with 2 where the storage does not"
        " answer."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--share",
            type=_share,
            default=SHARE,
            help="how much of everything, from 0 to 1; one thirtieth",
        )

    def handle(self, *args: Any, share: float, **options: Any) -> None:
        try:
            done = scrub(share_of(share))
        except StorageError as error:
            raise CommandError(str(error), returncode=2) from error
        for document in done.mended:
            self.stdout.write(
                f"{document.pk} of {document.institution}: mended from another node."
            )
        for document in done.damaged:
            self.stdout.write(
                f"{document.pk} of {document.institution}: {document.damage}"
            )
        said = (
            f"{done.looked_at} looked at, {len(done.mended)} mended,"
            f" {len(done.damaged)} damaged or missing."
        )
        if done.damaged:
            self.stdout.flush()
            raise CommandError(said, returncode=1)
        self.stdout.write(said)


def _share(text: str) -> float:
    try:
        share = float(text)
    except ValueError as error:
        raise ArgumentTypeError(f"{text} is no number from 0 to 1") from error
    if not 0 <= share <= 1:
        raise ArgumentTypeError(f"{text} is no number from 0 to 1")
    return share
