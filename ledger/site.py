"""What this site's settings say about its log."""

from typing import Any

import psycopg
from django.conf import settings
from django.db import connection
from django.utils.module_loading import import_string

from ledger.certifying import Certifier
from ledger.errors import LedgerError
from ledger.head_guard import HeadGuard
from ledger.signing import LogSigner

# Django's own wishes for its connections, which a plain one does without.
_DJANGO_ONLY = {"context", "cursor_factory", "prepare_threshold"}


def origin() -> str:
    """The log's name, e.g. ``portal.example/ledger/2026``."""
    name: str = settings.LEDGER_ORIGIN
    return name


def log_signer() -> LogSigner:
    """Whoever signs this log's checkpoints.

    Raises:
        LedgerError: the key is not at hand; nothing can be signed or checked.
    """
    try:
        signer: LogSigner = import_string(settings.LEDGER_SIGNER)()
    except Exception as error:
        raise LedgerError(f"The log's signing key is not at hand: {error}") from error
    return signer


def head_guard() -> HeadGuard:
    """Where this site remembers its last signed head, outside the database."""
    return HeadGuard(settings.LEDGER_HEAD)


def connect(application_name: str) -> psycopg.Connection[Any]:
    """A connection of its own to the site's database, in autocommit.

    Raises:
        psycopg.OperationalError: the database does not answer.
    """
    params = connection.get_connection_params() | {"application_name": application_name}
    wanted = {name: params[name] for name in params if name not in _DJANGO_ONLY}
    return psycopg.connect(**wanted, autocommit=True)


def site_certifier(connection: psycopg.Connection[Any]) -> Certifier:
    """A certifier of this site's log, with the key as it is now."""
    return Certifier(
        connection, origin=origin(), signer=log_signer(), guard=head_guard()
    )
