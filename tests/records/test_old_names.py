"""Names that were sealed by RSA for each reader are readable after the migration."""

from importlib import import_module

import psycopg
import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.state import StateApps
from psycopg.conninfo import make_conninfo

from portal.database import admin_conninfo
from portal.errors import KeyUnavailable
from portal.keys import sealing_key
from portal.models import PrivateKey
from records.encryption.wrapping import oaep, recipient_label
from records.errors import RecordDamaged
from records.models import Document
from records.opening import name_of
from tests.cast import FILE_NAME, Cast

NAME = "0009_names_under_the_data_key"
MIGRATION = import_module(f"records.migrations.{NAME}")


def sealed_by_rsa(name: str, wrap) -> str:
    key, encoded = sealing_key(wrap.holder_id), name.encode()
    label = b"AML1-name" + recipient_label(wrap.document_id.bytes, key.key_id)
    plain = (bytes([len(encoded)]) + encoded).ljust(256, b"\0")
    return key.public_key.encrypt(plain, oaep(label)).hex()


@pytest.fixture
def old_names(committed_cast: Cast) -> StateApps:
    """The tables as they were in the middle of the migration, each name sealed by RSA."""
    conninfo = make_conninfo(admin_conninfo(), dbname=connection.settings_dict["NAME"])
    with psycopg.connect(conninfo, autocommit=True) as superuser:
        superuser.execute("ALTER TABLE records_keywrap ADD sealed_name text DEFAULT ''")
    state = MigrationExecutor(connection).loader.project_state(
        [("records", NAME)], at_end=False
    )
    MIGRATION.Migration.operations[0].state_forwards("records", state)
    for wrap in state.apps.get_model("records", "KeyWrap").objects.all():
        wrap.sealed_name = sealed_by_rsa(FILE_NAME, wrap)
        wrap.save()
    Document.objects.update(sealed_name="")
    return state.apps


def names_of(cast: Cast, document: Document) -> list[str]:
    document.refresh_from_db()
    return [name_of(document, holder.holder_id) for holder in (cast.a, cast.child)]


@pytest.mark.slow
def test_an_old_name_is_read_by_every_holder(old_names: StateApps):
    cast = Cast()
    MIGRATION.move_names(old_names, None)
    assert names_of(cast, cast.image_a) == [FILE_NAME, FILE_NAME]


@pytest.mark.slow
def test_one_wrap_that_opens_is_enough(old_names: StateApps):
    cast = Cast()
    wraps = old_names.get_model("records", "KeyWrap").objects
    of_a = wraps.filter(document_id=cast.image_a.pk, holder_id=cast.a.holder_id)
    theirs = wraps.filter(document_id=cast.image_b.pk)
    of_a.update(sealed_name=theirs[0].sealed_name)
    MIGRATION.move_names(old_names, None)
    assert names_of(cast, cast.image_a) == [FILE_NAME, FILE_NAME]


@pytest.mark.slow
def test_a_name_that_was_damaged_stays_refused(old_names: StateApps):
    cast = Cast()
    wraps = old_names.get_model("records", "KeyWrap").objects
    wraps.filter(document_id=cast.image_a.pk).update(sealed_name="00" * 384)
    MIGRATION.move_names(old_names, None)
    with pytest.raises(RecordDamaged, match="This document was altered"):
        names_of(cast, cast.image_a)
    image_b = Document.objects.get(pk=cast.image_b.pk)
    assert name_of(image_b, cast.b.holder_id) == FILE_NAME


@pytest.mark.slow
def test_another_master_key_changes_nothing(old_names: StateApps):
    PrivateKey.objects.update(sealed=b"\x01" + bytes(60))
    with pytest.raises(KeyUnavailable):
        MIGRATION.move_names(old_names, None)
