"""Gives every test run its own folder, master key and PostgreSQL."""

import atexit
import os
import secrets
import shutil
import tempfile
from pathlib import Path

# Set before Django's settings are read: pytest loads this file as an early plugin.
VAR = Path(tempfile.mkdtemp(prefix="anamnesis-test-"))
atexit.register(shutil.rmtree, VAR, ignore_errors=True)
os.environ["ANAMNESIS_VAR"] = str(VAR)
os.environ["MASTER_KEY"] = secrets.token_hex(32)
os.environ["SECRET_KEY"] = secrets.token_hex(32)
os.environ["GRADING_BACKEND"] = "eager"  # measuring takes seconds; its tests ask for it
for given in (
    "DATABASE_URL",
    "IPFS_API",
    "IPFS_PEERS",
    "PUBLIC_URL",
    "MASTER_KEY_FILE",
    "MASTER_KEY_OLD",
    "MASTER_KEY_OLD_FILE",
    "SERVICE_KEYS_FILE",
    "REDIS_URL",
    "GRADING_QUEUE",
):
    os.environ.pop(given, None)
