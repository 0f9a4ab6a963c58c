"""Writes the diagnosis service's private keys, for a worker elsewhere."""

import json
import os
from argparse import ArgumentParser
from base64 import b64encode
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from diagnosis.service import diagnosis_service
from portal.errors import PortalError
from portal.keys import private_keys_of


class Command(BaseCommand):
    help = (
        "Write the diagnosis service's private keys, in the clear, to a new file that"
        " you alone can read: for SERVICE_KEYS_FILE of a worker without the master key."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("path", type=Path)

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            keys = private_keys_of(diagnosis_service().holder_id)
        except PortalError as problem:
            raise CommandError(str(problem)) from problem
        path: Path = options["path"]
        words = {key.hex(): b64encode(der).decode() for key, der in keys.items()}
        try:
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except OSError as error:
            raise CommandError(f"{path} cannot be made: {error.strerror}.") from error
        with os.fdopen(handle, "w") as file:
            json.dump(words, file)
        self.stdout.write(
            f"{len(keys)} keys lie in {path}. Bring it to the worker by a way that is"
            " safe for secrets, and remove it here."
        )
