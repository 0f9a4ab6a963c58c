"""The connection whose every statement says in whose name it is asked."""

from collections.abc import Callable
from typing import Any

from django.db.backends.postgresql import base

from portal.row_security import NOBODY, party

Execute = Callable[[Any, Any, bool, dict[str, Any]], Any]
OF_TRANSACTIONS = ("SAVEPOINT", "ROLLBACK", "RELEASE")
"""Statements that read nothing, and that an aborted transaction must still hear."""


class DatabaseWrapper(base.DatabaseWrapper):
    """Django's connection with the second wall's settings before each statement."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.execute_wrappers.append(in_its_name)


def in_its_name(
    execute: Execute, sql: Any, params: Any, many: Any, context: dict[str, Any]
) -> Any:
    """Send the settings and the statement at once, in one transaction.

    PostgreSQL runs what comes in one message as one transaction, where none is open, so
    that settings which end with the transaction never outlive the statement.
    """
    who, connection = party(), context["connection"]
    if who is NOBODY and not connection.in_atomic_block:
        return execute(sql, params, many, context)
    text = str(sql)
    if text.startswith(OF_TRANSACTIONS):
        return execute(sql, params, many, context)
    if many:
        # Each of many would need the settings again; Django sends none this way.
        raise NotImplementedError("Send rows in one statement, not with executemany.")
    result = execute(who.settings + text, params, many, context)
    context["cursor"].nextset()
    return result
