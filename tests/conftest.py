"""The database of the tests, set up by the product's own command."""

import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import hypothesis
import psycopg
import pytest
from django.conf import settings
from django.core.management import call_command
from django.db import connection
from django.test import Client, override_settings

from portal.database import DATABASE, admin_conninfo, start_embedded
from portal.models import User
from portal.row_security import UPKEEP, in_the_name_of
from tests.cast import Cast, email, make_world
from tests.environment import VAR

TEMPLATE = "template_anamnesis"
TEMPLATE_WITH_CAST = "template_with_cast"
# A slow machine is no wrong answer: speeds are measured in benchmarks.
hypothesis.settings.register_profile("product", deadline=None)
hypothesis.settings.load_profile("product")

# A test looks at everything; what it asks for through a page is asked as its person.
TEST = in_the_name_of(UPKEEP)
TEST.__enter__()

BACKEND = "allauth.account.auth_backends.AuthenticationBackend"
SignIn = Callable[[str], Client]


def admin(statement: str) -> None:
    """Run one statement as the server's superuser."""
    with psycopg.connect(admin_conninfo(), autocommit=True) as superuser:
        superuser.execute(statement)


def copy_database(source: str, name: str) -> None:
    """Nobody may be connected to the source, Django's own connection included."""
    connection.close()
    admin(f"CREATE DATABASE {name} TEMPLATE {source} OWNER anamnesis_owner")


@pytest.fixture(scope="session")
def django_db_setup(django_test_environment, django_db_blocker) -> Iterator[None]:
    """A PostgreSQL of this run's own; the tests log in as the web does.

    The cast's world is committed once: a key pair costs half a second. Each test
    rolls back on top of it.
    """
    start_embedded(VAR / "postgres")
    # A test's data need not outlive the machine; processes that die lose nothing by it.
    admin("ALTER SYSTEM SET fsync = off")
    admin("SELECT pg_reload_conf()")
    with django_db_blocker.unblock():
        call_command("setup", verbosity=0)
        copy_database(DATABASE, TEMPLATE)
        make_world()
        copy_database(DATABASE, TEMPLATE_WITH_CAST)
    yield
    connection.close()


@contextmanager
def clone_of(template: str) -> Iterator[str]:
    """A database of its own, dropped at the end."""
    name = f"clone_{secrets.token_hex(6)}"
    admin(f"CREATE DATABASE {name} TEMPLATE {template} OWNER anamnesis_owner")
    yield name
    admin(f"DROP DATABASE {name} WITH (FORCE)")


@contextmanager
def connected_to(name: str) -> Iterator[str]:
    """Django's connections, those of other threads too, go to this database."""
    connection.close()
    connection.settings_dict["NAME"] = name
    try:
        # Every log has a head of its own, for processes that a test starts as well.
        with override_settings(LEDGER_HEAD=head_of(name)):
            yield name
    finally:
        connection.close()
        connection.settings_dict["NAME"] = DATABASE


def head_of(database: str) -> Path:
    """Where the log in a test's database remembers its last signed head."""
    return VAR / "heads" / database


@pytest.fixture
def cloned_database(django_db_setup) -> Iterator[str]:
    """The name of a fresh, empty, migrated database that may be written to for good."""
    with clone_of(TEMPLATE) as name:
        yield name


@pytest.fixture
def committed_db(cloned_database, django_db_blocker) -> Iterator[str]:
    """Django's connection, on a clone, where a commit is a commit."""
    with django_db_blocker.unblock(), connected_to(cloned_database) as name:
        yield name


@pytest.fixture(scope="session")
def static_files(django_test_environment) -> None:
    """Pages name their static files by hash, so these must have been collected."""
    call_command("collectstatic", interactive=False, verbosity=0)
    # Whitenoise would list every file anew for every client.
    settings.WHITENOISE_AUTOREFRESH = True


@pytest.fixture
def committed_cast(django_db_setup, django_db_blocker, static_files) -> Iterator[Cast]:
    """The cast on a database of its own, where a commit is a commit."""
    with (
        clone_of(TEMPLATE_WITH_CAST) as name,
        django_db_blocker.unblock(),
        connected_to(name),
    ):
        yield Cast()


@pytest.fixture
def cast(db, static_files) -> Cast:
    """Everyone, in a transaction that is rolled back."""
    return Cast()


@pytest.fixture
def sign_in(cast: Cast) -> SignIn:
    """A browser in which one of the cast is signed in."""

    def signed_in(name: str) -> Client:
        client = Client()
        client.force_login(User.objects.get(email=email(name)), backend=BACKEND)
        return client

    return signed_in


@pytest.fixture
def anonymous(static_files) -> Client:
    """A browser in which nobody is."""
    return Client()
