"""Prints who this site is, in the lines of a C2SP policy, for others to copy."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from ledger.errors import LedgerError
from ledger.note import COSIGNATURE_TYPE
from ledger.site import log_signer, origin, witness_name, witness_signer
from ledger.verifier_key import VerifierKey


class Command(BaseCommand):
    help = "Print this site's log and witness as lines for another site's policy."
    requires_system_checks = []

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            log = VerifierKey(origin(), log_signer().public_key)
            witness = VerifierKey(
                witness_name(), witness_signer().public_key, COSIGNATURE_TYPE
            )
        except LedgerError as error:
            raise CommandError(str(error)) from error
        url = f"{settings.PUBLIC_URL}/ledger"
        self.stdout.write(f"log {log} {url}")
        self.stdout.write(f"witness {witness.name} {witness} {url}/witness")
