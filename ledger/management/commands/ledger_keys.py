"""Prints who this site is, in the lines of a C2SP policy, for others to copy."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from ledger.errors import LedgerError
from ledger.site import own_lines


class Command(BaseCommand):
    help = "Print this site's log and witness as lines for another site's policy."
    requires_system_checks = []

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            self.stdout.write(own_lines(), ending="")
        except LedgerError as error:
            raise CommandError(str(error)) from error
