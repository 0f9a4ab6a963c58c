"""Debian's PostgreSQL and Redis on the loopback, both over TLS alone."""

import os
import secrets
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlencode

import psycopg
import redis
from psycopg import sql

from tests.journeys.stack import eventually, free_port
from tests.journeys.tls import Authority

HOST = "127.0.0.1"
WHO_MAY_COME = f"hostssl all all {HOST}/32 scram-sha-256\n"


def postgres_url(user: str, password: str, port: int, authority: Path) -> str:
    """An address with everything in it that the portal needs to know."""
    options = urlencode({"sslmode": "verify-full", "sslrootcert": str(authority)})
    login = f"{user}:{password}@" if user else ""
    return f"postgresql://{login}{HOST}:{port}/anamnesis?{options}"


@contextmanager
def postgres(folder: Path, authority: Authority, ca: Path) -> Iterator[tuple[int, str]]:
    """A server with an empty database; its port and the superuser's password.

    Args:
        folder: a new one, that it may keep to itself.
        authority: who vouches for it.
        ca: the authority's certificate.
    """
    port, password = free_port(), secrets.token_urlsafe(16)
    bin_folder = max(Path("/usr/lib/postgresql").glob("*/bin"))
    # PostgreSQL does not run as root.
    user = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
    folder.mkdir()
    certificate, key = authority.certify(folder)
    (folder / "password").write_text(password)
    if user:
        for each in (folder, *folder.iterdir()):
            shutil.chown(each, "postgres")

    def command(name: str, *arguments: str) -> None:
        subprocess.run(
            [*user, str(bin_folder / name), *arguments],
            check=True,
            capture_output=True,
            cwd=folder,
        )

    data = folder / "data"
    command(
        "initdb",
        *("-D", str(data), "-U", "postgres", "-E", "utf8", "-A", "scram-sha-256"),
        f"--pwfile={folder / 'password'}",
    )
    settings = {
        "listen_addresses": HOST,
        "port": port,
        "unix_socket_directories": "",
        "ssl": "on",
        "ssl_cert_file": certificate,
        "ssl_key_file": key,
        "fsync": "off",
    }
    lines = [f"{name} = '{value}'\n" for name, value in settings.items()]
    with (data / "postgresql.conf").open("a") as file:
        file.writelines(lines)
    (data / "pg_hba.conf").write_text(WHO_MAY_COME)
    command("pg_ctl", "-D", str(data), "-l", str(folder / "log"), "-w", "start")
    try:
        yield port, password
    finally:
        command("pg_ctl", "-D", str(data), "-m", "immediate", "-w", "stop")


def make_database(superuser: str, password: str) -> None:
    """What docs/deploy.md tells whoever looks after the server to do."""
    with psycopg.connect(superuser, dbname="postgres", autocommit=True) as login:
        login.execute(
            sql.SQL("CREATE ROLE setup LOGIN CREATEROLE PASSWORD {}").format(password)
        )
        login.execute("CREATE DATABASE anamnesis OWNER setup")


@contextmanager
def redis_server(folder: Path, authority: Authority, ca: Path) -> Iterator[str]:
    """A broker that keeps nothing on its disk; its address, password and all."""
    port, password = free_port(), secrets.token_urlsafe(16)
    folder.mkdir()
    certificate, key = authority.certify(folder)
    settings = {
        "port": "0",
        "tls-port": str(port),
        "bind": HOST,
        "tls-cert-file": str(certificate),
        "tls-key-file": str(key),
        "tls-ca-cert-file": str(ca),
        "tls-auth-clients": "no",
        "requirepass": password,
        "save": "",
        "dir": str(folder),
    }
    given = [part for name, value in settings.items() for part in (f"--{name}", value)]
    url = f"rediss://:{password}@{HOST}:{port}/0?{urlencode({'ssl_ca_certs': ca})}"
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(["redis-server", *given], stdout=log, stderr=log)
    try:
        eventually(lambda: _answers(url), seconds=20, what="Redis answers")
        yield url
    finally:
        process.terminate()
        process.wait(timeout=20)


def _answers(url: str) -> bool:
    try:
        with redis.from_url(url) as client:
            return bool(client.ping())
    except redis.ConnectionError:
        return False
