"""Registers an institution with its first admin, on a site without the demo world."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from portal.accounts import find_or_create_account
from portal.actions.institutions import register_institution
from portal.actions.members import add_first_admin
from portal.errors import Refused
from portal.management.commands.setup import get_ready
from portal.models import Institution
from portal.roles import Role

ADMINS = {
    Institution.Kind.HOSPITAL: Role.HOSPITAL_ADMIN,
    Institution.Kind.PLATFORM: Role.PLATFORM_ADMIN,
    Institution.Kind.DIAGNOSIS_SERVICE: Role.SERVICE_STAFF,
}
"""By kind: the role of the first member."""
NEEDED = {Institution.Kind.HOSPITAL, Institution.Kind.PLATFORM}
"""Kinds that cannot do without; the diagnosis service also works by itself."""


class Command(BaseCommand):
    help = "Register an institution; its admin chooses a password by e-mail."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name")
        parser.add_argument(
            "--kind", choices=Institution.Kind.values, default=Institution.Kind.HOSPITAL
        )
        parser.add_argument("--admin", metavar="EMAIL", default="")
        parser.add_argument("--admin-name", default="")

    def handle(self, *args: Any, **options: Any) -> None:
        kind = Institution.Kind(options["kind"])
        is_named = bool(options["admin"] and options["admin_name"])
        if (kind in NEEDED or options["admin"]) and not is_named:
            raise CommandError("Name its first admin: --admin EMAIL --admin-name NAME.")
        try:
            with transaction.atomic():
                institution = register_institution(name=options["name"], kind=kind)
                if is_named:
                    user = find_or_create_account(
                        email=options["admin"], full_name=options["admin_name"]
                    )
                    add_first_admin(
                        institution=institution, user=user, role=ADMINS[kind]
                    )
        except Refused as refusal:
            raise CommandError(str(refusal)) from refusal
        self.stdout.write(f"{institution} is registered.")
        for sentence in get_ready():
            self.stdout.write(sentence)
