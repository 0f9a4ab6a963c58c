"""Adds tiles, cosignatures and what witnesses need; makes the log's columns of its bytes."""

from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import migrations, models
from psycopg import sql

from ledger.encoding import log_id

CREATE = (
    Path(__file__)
    .with_suffix(".sql")
    .read_text(encoding="utf-8")
    .replace(":log_id", sql.Literal(log_id(settings.LEDGER_ORIGIN)).as_string(None))
)


def unmanaged(
    name: str, table: str, **fields: "models.Field[Any, Any]"
) -> migrations.CreateModel:
    """State only: the table is the SQL's."""
    return migrations.CreateModel(
        name=name,
        fields=list(fields.items()),
        options={"managed": False, "db_table": f'"ledger"."{table}"'},
    )


class Migration(migrations.Migration):
    dependencies = [("ledger", "0001_initial")]
    operations = [
        migrations.RunSQL(
            CREATE,
            state_operations=[
                migrations.RemoveField("Entry", "author_key_id"),
                migrations.RemoveField("Entry", "subject_tag"),
                unmanaged(
                    "Tile",
                    "tile",
                    pk=models.CompositePrimaryKey("level", "index"),
                    level=models.SmallIntegerField(),
                    index=models.BigIntegerField(),
                    hashes=models.BinaryField(),
                    root=models.BinaryField(),
                ),
                unmanaged(
                    "Cosignature",
                    "cosignature",
                    pk=models.CompositePrimaryKey(
                        "log_id", "size", "witness", "key_id"
                    ),
                    log_id=models.BinaryField(),
                    size=models.BigIntegerField(),
                    witness=models.TextField(),
                    key_id=models.BinaryField(),
                    cosigned_at=models.BigIntegerField(),
                    line=models.TextField(),
                ),
                unmanaged(
                    "Contact",
                    "contact",
                    witness=models.TextField(primary_key=True, serialize=False),
                    asked_at=models.DateTimeField(),
                    answered_at=models.DateTimeField(null=True),
                    trouble=models.TextField(),
                ),
                unmanaged(
                    "WitnessState",
                    "witness_state",
                    origin=models.TextField(primary_key=True, serialize=False),
                    size=models.BigIntegerField(),
                    root=models.BinaryField(),
                    note=models.TextField(),
                    seen_at=models.DateTimeField(),
                ),
                unmanaged(
                    "Evidence",
                    "witness_evidence",
                    id=models.BigIntegerField(primary_key=True, serialize=False),
                    origin=models.TextField(),
                    first_size=models.BigIntegerField(),
                    second_size=models.BigIntegerField(),
                    first_note=models.TextField(),
                    second_note=models.TextField(),
                    told_by=models.TextField(),
                    found_at=models.DateTimeField(),
                ),
                unmanaged(
                    "Anchor",
                    "anchor",
                    statement_id=models.BinaryField(primary_key=True, serialize=False),
                    origin=models.TextField(),
                    size=models.BigIntegerField(),
                    note=models.TextField(),
                    anchored_at=models.DateTimeField(),
                ),
            ],
        )
    ]
