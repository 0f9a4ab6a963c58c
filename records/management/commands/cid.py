"""Prints the content identifiers of files."""

import sys
from argparse import ArgumentParser
from collections.abc import Iterator
from io import FileIO
from pathlib import Path
from typing import Any, BinaryIO

from django.core.management.base import BaseCommand, CommandError

from records.storage.unixfs import CHUNK_SIZE, root_of

STANDARD_INPUT = "-"


class Command(BaseCommand):
    help = "Print the CID of each file, as IPFS makes it by profile unixfs-v1-2025."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "paths", nargs="+", metavar="PATH", help="a file, or - for standard input"
        )

    def handle(self, *args: Any, paths: list[str], **options: Any) -> None:
        for path in paths:
            try:
                cid = root_of(_contents(path))
            except OSError as error:
                raise CommandError(f"{path}: {error.strerror}.") from error
            self.stdout.write(f"{cid}  {path}")


def _contents(path: str) -> Iterator[bytes]:
    if path == STANDARD_INPUT:
        yield from _pieces(sys.stdin.buffer)
    else:
        with Path(path).open("rb", buffering=0) as file:
            yield from _pieces(file)


def _pieces(file: BinaryIO | FileIO) -> Iterator[bytes]:
    while piece := file.read(CHUNK_SIZE):
        yield piece
