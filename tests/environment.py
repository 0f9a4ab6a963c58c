"""Gives every test run its own folder, master key and PostgreSQL."""

import os
import secrets
import tempfile
from pathlib import Path

# Set before Django's settings are read: pytest loads this file as an early plugin.
VAR = Path(tempfile.mkdtemp(prefix="anamnesis-test-"))
os.environ["ANAMNESIS_VAR"] = str(VAR)
os.environ["MASTER_KEY"] = secrets.token_hex(32)
