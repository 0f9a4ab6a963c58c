"""Reads the environment variables that tell the portal where it runs."""

import json
import os
import secrets
import stat
from base64 import b64decode
from pathlib import Path

BASE = Path(__file__).resolve().parent.parent


class EnvironmentProblem(Exception):
    """The surroundings are not as they must be; the message says what to do."""


def text(name: str, default: str = "") -> str:
    """The variable's value without surrounding blanks, or the default."""
    return os.environ.get(name, "").strip() or default


def flag(name: str, *, default: bool = False) -> bool:
    """A yes or no.

    Raises:
        EnvironmentProblem: the value is neither.
    """
    value = text(name).lower()
    if value in {"", "1", "true", "yes", "on", "0", "false", "no", "off"}:
        return default if not value else value in {"1", "true", "yes", "on"}
    raise EnvironmentProblem(f"{name} is {value!r}; write true or false.")


def number(name: str, default: int) -> int:
    """A whole number.

    Raises:
        EnvironmentProblem: the value is not one.
    """
    value = text(name, str(default))
    if not value.isdecimal():
        raise EnvironmentProblem(f"{name} is {value!r}; write a whole number.")
    return int(value)


def several(name: str) -> list[str]:
    """The values between commas; none where the variable is not set."""
    return [value.strip() for value in text(name).split(",") if value.strip()]


def var() -> Path:
    """The folder that holds everything the portal writes."""
    return Path(text("ANAMNESIS_VAR", str(BASE / "var"))).resolve()


def secret_file(name: str) -> str:
    """A secret of 32 random bytes in hex, kept in `var/keys`, made on first use.

    Raises:
        EnvironmentProblem: others on this machine can read the file.
    """
    path = var() / "keys" / name
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w") as file:
            file.write(secrets.token_hex(32))
    return _read_private(path)


def master_key() -> bytes:
    """The 32 bytes under which every private key and every sealed field lies.

    Taken from MASTER_KEY (hex), else from the file MASTER_KEY_FILE, else from
    `var/keys/master`, which is made on first use of the embedded set-up.

    Raises:
        EnvironmentProblem: missing, readable by others, not 32 bytes of hex, or not to
            be had by a worker that holds the diagnosis service's keys alone.
    """
    if text("SERVICE_KEYS_FILE"):
        raise EnvironmentProblem(
            "This process holds the diagnosis service's keys alone (SERVICE_KEYS_FILE);"
            " what it was asked for needs the master key."
        )
    if given := text("MASTER_KEY"):
        return _hex_key(given)
    if path := text("MASTER_KEY_FILE"):
        return _hex_key(_read_private(Path(path)))
    return _hex_key(secret_file("master"))


def service_keys() -> dict[bytes, bytes] | None:
    """The diagnosis service's private keys, where a worker holds these instead of all.

    Taken from the file SERVICE_KEYS_FILE, as `manage.py service_keys` wrote it.

    Returns:
        PKCS#8 DER by key id (32 bytes); None in a process that has the master key.

    Raises:
        EnvironmentProblem: missing, readable by others, of another form, or given
            beside the master key.
    """
    path = text("SERVICE_KEYS_FILE")
    if not path:
        return None
    if text("MASTER_KEY") or text("MASTER_KEY_FILE"):
        raise EnvironmentProblem(
            "SERVICE_KEYS_FILE stands in the place of the master key: take MASTER_KEY"
            " and MASTER_KEY_FILE away, or SERVICE_KEYS_FILE."
        )
    try:
        given: dict[str, str] = json.loads(_read_private(Path(path)))
        return {
            bytes.fromhex(key_id): b64decode(der, validate=True)
            for key_id, der in given.items()
        }
    except (ValueError, TypeError, AttributeError) as error:
        raise EnvironmentProblem(
            f"{path} holds no keys; write it with: manage.py service_keys {path}"
        ) from error


def old_master_key() -> bytes | None:
    """The master key before this one, as long as something may lie under it.

    Taken from MASTER_KEY_OLD (hex), else from the file MASTER_KEY_OLD_FILE.

    Raises:
        EnvironmentProblem: readable by others, not 32 bytes of hex, or the same key.
    """
    if given := text("MASTER_KEY_OLD"):
        old = _hex_key(given)
    elif path := text("MASTER_KEY_OLD_FILE"):
        old = _hex_key(_read_private(Path(path)))
    else:
        return None
    if old == master_key():
        raise EnvironmentProblem(
            "MASTER_KEY_OLD is the master key itself; it names the one before."
        )
    return old


def _read_private(path: Path) -> str:
    if not path.is_file():
        raise EnvironmentProblem(f"The key file {path} is not there.")
    if path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise EnvironmentProblem(
            f"Others on this machine can read {path}. Run: chmod 600 {path}"
        )
    return path.read_text().strip()


def _hex_key(value: str) -> bytes:
    try:
        key = bytes.fromhex(value)
    except ValueError:
        key = b""
    if len(key) != 32:
        raise EnvironmentProblem("The master key must be 64 hexadecimal digits.")
    return key
