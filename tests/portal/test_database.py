"""The web logs in with little: it owns nothing and passes no wall."""

from collections.abc import Iterator

import psycopg
import pytest
from django.db import DatabaseError, connection, transaction
from psycopg.conninfo import make_conninfo

from portal import database
from portal.database import LEDGER_OWNER, LOGINS, admin_conninfo
from portal.environment import EnvironmentProblem

LEDGER = ("entry", "checkpoint", "refused")


def rows(query: str) -> list[tuple[object, ...]]:
    with psycopg.connect(admin_conninfo(), autocommit=True) as superuser:
        return superuser.execute(query).fetchall()


def test_the_tests_log_in_as_the_web_does(db):
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_user, session_user")
        assert cursor.fetchone() == ("anamnesis_web", "anamnesis_web")


@pytest.mark.parametrize("name", [*LOGINS.values(), LEDGER_OWNER])
def test_no_login_of_ours_passes_the_walls(db, name: str):
    ((superuser, bypasses, creates_roles, creates_databases),) = rows(
        "SELECT rolsuper, rolbypassrls, rolcreaterole, rolcreatedb"
        f" FROM pg_roles WHERE rolname = '{name}'"
    )
    assert not any((superuser, bypasses, creates_roles, creates_databases))


def test_the_ledgers_owner_cannot_log_in(db):
    query = f"SELECT rolcanlogin FROM pg_roles WHERE rolname = '{LEDGER_OWNER}'"
    assert rows(query) == [(False,)]


def test_the_web_owns_no_table_and_makes_none(db):
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_tables WHERE tableowner = 'anamnesis_web'"
        )
        assert cursor.fetchone() == (0,)
        with pytest.raises(DatabaseError, match="permission denied"):
            cursor.execute("CREATE TABLE public.mine (id integer)")


@pytest.mark.parametrize("table", LEDGER)
@pytest.mark.parametrize(
    "statement",
    ["INSERT INTO {} DEFAULT VALUES", "DELETE FROM {}", "TRUNCATE {}"],
)
def test_the_web_changes_nothing_on_the_ledger(db, table: str, statement: str):
    with connection.cursor() as cursor, transaction.atomic():
        with pytest.raises(DatabaseError, match="permission denied"):
            cursor.execute(statement.format(f"ledger.{table}"))
        transaction.set_rollback(True)


@pytest.mark.parametrize("change", ["DELETE FROM {}", "UPDATE {} SET log_id = log_id"])
def test_the_web_takes_back_nothing_it_has_queued(db, change: str):
    with connection.cursor() as cursor, transaction.atomic():
        with pytest.raises(DatabaseError, match="permission denied"):
            cursor.execute(change.format("ledger.inbox"))
        transaction.set_rollback(True)


@pytest.fixture
def weak_login(db) -> Iterator[str]:
    """A login that may make no others, as DATABASE_URL might name one."""
    with psycopg.connect(admin_conninfo(), autocommit=True) as superuser:
        superuser.execute("CREATE ROLE weak LOGIN")
        yield make_conninfo(admin_conninfo(), user="weak")
        superuser.execute("DROP ROLE weak")


def test_a_login_that_may_make_no_logins_is_told_so(
    weak_login: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(database, "admin_conninfo", lambda: weak_login)
    with pytest.raises(EnvironmentProblem, match="Give it CREATEROLE"):
        database.ensure_roles_and_database()


def test_a_login_of_ours_that_passes_the_walls_stops_the_start(db):
    with psycopg.connect(admin_conninfo(), autocommit=True) as superuser:
        superuser.execute("ALTER ROLE anamnesis_sequencer BYPASSRLS")
        try:
            with pytest.raises(EnvironmentProblem, match="passes row-level security"):
                database.ensure_roles_and_database()
        finally:
            superuser.execute("ALTER ROLE anamnesis_sequencer NOBYPASSRLS")
