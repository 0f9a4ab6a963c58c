"""Plays a scanner: queues images on its own disk and sends them until all are kept."""

import secrets
import time
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from diagnosis.scanner.images import phantoms
from diagnosis.scanner.queue import Queue
from diagnosis.scanner.sending import WAYS, NotTaken, Target, TryAgain

FIRST_WAIT_S, LONGEST_WAIT_S = 0.5, 60.0
SEED = 2_000_000
"""Draws no phantom that the shipped weights have seen."""


class Command(BaseCommand):
    help = "Queue images on disk and send them, as often as it takes."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("queue", type=Path, help="the scanner's own folder")
        parser.add_argument("--to", required=True, help="http://host:port or host:port")
        parser.add_argument(
            "--token-file", type=Path, required=True, help="holds the device's token"
        )
        parser.add_argument("--by", choices=WAYS, default="stow")
        parser.add_argument("--ae-title", default="", help="for C-STORE")
        parser.add_argument("--folder", type=Path, help="images to queue first")
        parser.add_argument("--phantoms", type=int, default=0, help="kidneys to draw")
        parser.add_argument("--patient-id", default="", help="of the drawn kidneys")
        parser.add_argument(
            "--patience", type=float, default=3600, help="seconds without a success"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        queue = Queue(options["queue"])
        self._fill(queue, options)
        target = Target(
            address=options["to"].rstrip("/"),
            token=_token(options["token_file"]),
            ae_title=options["ae_title"],
        )
        self._send_all(queue, target, options["by"], options["patience"])

    def _fill(self, queue: Queue, options: dict[str, Any]) -> None:
        at = time.time_ns()
        if folder := options["folder"]:
            for path in sorted(p for p in folder.iterdir() if p.is_file()):
                queue.put(f"{at}-{path.name}", path.read_bytes())
        drawn = phantoms(
            options["phantoms"],
            patient_id=options["patient_id"],
            first_seed=SEED + secrets.randbelow(SEED),
        )
        for number, content in enumerate(drawn):
            queue.put(f"{at}-{number:06}.dcm", content)

    def _send_all(self, queue: Queue, target: Target, by: str, patience: float) -> None:
        """Send what waits; a file leaves the queue only once it is acknowledged."""
        sent, wait, last_success = 0, FIRST_WAIT_S, time.monotonic()
        while waiting := queue.waiting():
            path = waiting[0]
            try:
                WAYS[by](target, path.read_bytes())
            except NotTaken as refusal:
                queue.refuse(path, str(refusal))
                self.stderr.write(f"{path.name} was refused: {refusal}")
            except TryAgain as trouble:
                if time.monotonic() - last_success > patience:
                    raise CommandError(
                        f"{len(waiting)} images wait in {queue.folder}: {trouble}"
                    ) from trouble
                time.sleep(_jittered(wait))
                wait = min(2 * wait, LONGEST_WAIT_S)
                continue
            else:
                queue.done(path)
                sent += 1
            wait, last_success = FIRST_WAIT_S, time.monotonic()
        self.stdout.write(f"Everything is sent: {sent} images.")


def _jittered(seconds: float) -> float:
    """Between half and all of it: scanners that lost one portal come back apart."""
    return seconds * (500 + secrets.randbelow(501)) / 1000


def _token(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise CommandError(f"The token file {path} cannot be read.") from error
