"""Decides about a version of the networks, where nobody signs in to do it."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from diagnosis.actions.versions import (
    activate_version,
    retire_version,
    shadow_version,
)
from diagnosis.models import ModelVersion
from portal.errors import PortalError

DECISIONS = {
    "shadow": shadow_version,
    "activate": activate_version,
    "retire": retire_version,
}


class Command(BaseCommand):
    help = (
        "Lets a version grade in shadow mode, activates it in place of the active one,"
        " or retires it. Without a decision, lists the versions."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", nargs="?", metavar="VERSION")
        parser.add_argument("decision", nargs="?", choices=DECISIONS)
        parser.add_argument("--reason", default="", metavar="SENTENCE")

    def handle(self, **options: Any) -> None:
        if not options["decision"]:
            for row in ModelVersion.objects.all():
                self.stdout.write(_line(row))
            return
        version = ModelVersion.objects.filter(name=options["name"]).first()
        if version is None:
            raise CommandError(f"There is no version {options['name']}.")
        try:
            DECISIONS[options["decision"]](
                version=version, reason=options["reason"], by=None
            )
        except PortalError as error:
            raise CommandError(str(error)) from error
        version.refresh_from_db()
        self.stdout.write(_line(version))


def _line(version: ModelVersion) -> str:
    return f"{version.name:<24} {version.standing:<11} {version.weights_sha256[:12]}"
