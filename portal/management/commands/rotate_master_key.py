"""Seals everything anew under a new master key."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from ledger.management.progress import bar
from portal.environment import EnvironmentProblem
from portal.errors import KeyUnavailable
from portal.key_state import master_key_source
from portal.master_keys import master_keys
from portal.master_rotation import reseal


class Command(BaseCommand):
    help = (
        "Seal private keys, names and numbers anew under the master key. First make a"
        " new key, and start every process, this one too, with it as MASTER_KEY or"
        " MASTER_KEY_FILE and with the one before as MASTER_KEY_OLD or"
        " MASTER_KEY_OLD_FILE. People go on working meanwhile. The command may be"
        " killed and run again; it says when the old key may be taken away."
        " docs/keys.md has all steps."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            master_keys()
            # A shell may have other variables than the site.
            self.stdout.write(f"Master key: {master_key_source()}")
            left = reseal(bar(self.stdout))
        except EnvironmentProblem as problem:
            raise CommandError(str(problem)) from problem
        except KeyUnavailable as problem:
            raise CommandError(
                f"{problem} Give that key as MASTER_KEY_OLD or MASTER_KEY_OLD_FILE, and"
                " run this again; what is done stays done."
            ) from problem
        if left:
            raise CommandError(f"{left} rows were in use and are left. Run this again.")
        self.stdout.write(
            "Everything lies under the master key. MASTER_KEY_OLD may be taken away:"
            " start every process again without it."
        )
