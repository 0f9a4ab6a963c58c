"""A database of a benchmark's own, with the product's schema in it."""

import json
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.result import Result


def in_a_process(module: str) -> list[Result]:
    """Run a module's main() in a process of its own, on a fresh embedded server."""
    folder = Path(tempfile.mkdtemp(prefix="anamnesis-bench-"))
    out = folder / "results.json"
    environment = {
        **os.environ,
        "ANAMNESIS_VAR": str(folder / "var"),
        "MASTER_KEY": secrets.token_hex(32),
        "SECRET_KEY": secrets.token_hex(32),
        "DJANGO_SETTINGS_MODULE": "portal.settings",
        "PYTHONWARNINGS": "ignore",
        "BENCHMARK_OUT": str(out),
    }
    try:
        subprocess.run([sys.executable, "-m", module], env=environment, check=True)  # noqa: S603 our own
        return [Result(**row) for row in json.loads(out.read_text("utf-8"))]
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def start() -> None:
    """In that process: start the server, set the product up, ready for Django."""
    # Imported here: settings are read from the environment that was just made.
    from portal.database import start_embedded
    from portal.environment import var

    start_embedded(var() / "postgres")
    import django

    django.setup()
    from django.core.management import call_command

    from portal.row_security import UPKEEP, in_the_name_of

    with in_the_name_of(UPKEEP):
        call_command("setup", verbosity=0)


def report(results: list[Result]) -> None:
    """Hand the figures to the process that asked for them."""
    rows: list[dict[str, Any]] = [vars(result) for result in results]
    Path(os.environ["BENCHMARK_OUT"]).write_text(json.dumps(rows), encoding="utf-8")
