"""Receives images by C-STORE until it is ended."""

import ipaddress
import signal
import threading
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from diagnosis.receiving.dimse import handlers, receiver, tls_context


class Command(BaseCommand):
    help = "Receive ultrasound by C-STORE from enrolled devices (docs/devices.md)."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--host", default="127.0.0.1")
        parser.add_argument("--port", type=int, default=11112)
        parser.add_argument("--certificate", type=Path, help="of this site, PEM")
        parser.add_argument("--key", type=Path, help="its private key, PEM")
        parser.add_argument(
            "--devices", type=Path, help="devices' certificates or issuers, PEM"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        files = [options[name] for name in ("certificate", "key", "devices")]
        if any(files) and not all(files):
            raise CommandError("TLS needs --certificate, --key and --devices.")
        if not any(files) and not _is_loopback(options["host"]):
            raise CommandError(
                "Without TLS a token would cross the network as it is. Listen on"
                " 127.0.0.1, or give --certificate, --key and --devices."
            )
        try:
            server = receiver().start_server(
                (options["host"], options["port"]),
                block=False,
                ssl_context=tls_context(*files) if any(files) else None,
                evt_handlers=handlers(),
            )
        except OSError as error:
            raise CommandError(f"It cannot listen there: {error}.") from error
        self.stdout.write(f"Receiving on {options['host']}:{options['port']} …")
        self.stdout.flush()
        _until_ended()
        if server:
            server.shutdown()


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _until_ended() -> None:
    """Wait for Ctrl-C or SIGTERM."""
    is_asked = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: is_asked.set())
    is_asked.wait()
