"""Lays down the ledger's schema, owned by a role that cannot log in."""

from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import migrations, models
from psycopg import sql

from ledger.note import check_key_name

check_key_name(settings.LEDGER_ORIGIN)
CREATE = (
    Path(__file__)
    .with_suffix(".sql")
    .read_text(encoding="utf-8")
    .replace(":origin", sql.Literal(settings.LEDGER_ORIGIN).as_string(None))
)
DROP = "SET LOCAL ROLE anamnesis_ledger; DROP SCHEMA ledger CASCADE; RESET ROLE;"


def unmanaged(name: str, **fields: "models.Field[Any, Any]") -> migrations.CreateModel:
    """State only: the table is the SQL's."""
    return migrations.CreateModel(
        name=name,
        fields=list(fields.items()),
        options={"managed": False, "db_table": f'"ledger"."{name.lower()}"'},
    )


class Migration(migrations.Migration):
    initial = True
    dependencies = []
    operations = [
        migrations.RunSQL(
            CREATE,
            DROP,
            state_operations=[
                unmanaged(
                    "Inbox",
                    id=models.BigIntegerField(primary_key=True, serialize=False),
                    log_id=models.BinaryField(),
                    statement_id=models.BinaryField(unique=True),
                    statement=models.BinaryField(),
                    signature=models.BinaryField(),
                    queued_at=models.DateTimeField(),
                ),
                unmanaged(
                    "Refused",
                    id=models.BigIntegerField(primary_key=True, serialize=False),
                    statement_id=models.BinaryField(),
                    statement=models.BinaryField(),
                    signature=models.BinaryField(),
                    reason=models.TextField(),
                    refused_at=models.DateTimeField(),
                ),
                unmanaged(
                    "Entry",
                    seq=models.BigIntegerField(primary_key=True, serialize=False),
                    bytes=models.BinaryField(),
                    previous_hash=models.BinaryField(),
                    leaf_hash=models.BinaryField(),
                    ts_ms=models.BigIntegerField(),
                    statement_id=models.BinaryField(unique=True),
                    tenant=models.IntegerField(),
                    kind=models.SmallIntegerField(),
                    author_key_id=models.BinaryField(),
                    subject_tag=models.BinaryField(),
                    cid=models.BinaryField(),
                ),
                unmanaged(
                    "Checkpoint",
                    pk=models.CompositePrimaryKey("log_id", "size"),
                    log_id=models.BinaryField(),
                    size=models.BigIntegerField(),
                    root=models.BinaryField(),
                    note=models.TextField(),
                    signed_at=models.DateTimeField(),
                ),
            ],
        )
    ]
