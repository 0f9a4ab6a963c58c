"""The database of the tests, set up by the product's own command."""

import secrets
from collections.abc import Iterator

import psycopg
import pytest
from django.core.management import call_command
from django.db import connection

from portal.database import DATABASE, admin_conninfo, start_embedded
from tests.environment import VAR

TEMPLATE = "template_anamnesis"


def admin(statement: str) -> None:
    """Run one statement as the server's superuser."""
    with psycopg.connect(admin_conninfo(), autocommit=True) as superuser:
        superuser.execute(statement)


@pytest.fixture(scope="session")
def django_db_setup(django_test_environment, django_db_blocker) -> Iterator[None]:
    """A PostgreSQL of this run's own; the tests log in as the web does."""
    start_embedded(VAR / "postgres")
    with django_db_blocker.unblock():
        call_command("setup", verbosity=0)
        connection.close()
        admin(f"CREATE DATABASE {TEMPLATE} TEMPLATE {DATABASE} OWNER anamnesis_owner")
    yield
    connection.close()


@pytest.fixture
def cloned_database(django_db_setup) -> Iterator[str]:
    """The name of a fresh, empty, migrated database that may be written to for good."""
    name = f"clone_{secrets.token_hex(6)}"
    admin(f"CREATE DATABASE {name} TEMPLATE {TEMPLATE} OWNER anamnesis_owner")
    yield name
    admin(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def committed_db(cloned_database, django_db_blocker) -> Iterator[str]:
    """Django's connection, on a clone, where a commit is a commit."""
    connection.close()
    connection.settings_dict["NAME"] = cloned_database
    with django_db_blocker.unblock():
        yield cloned_database
        connection.close()
    connection.settings_dict["NAME"] = DATABASE
