"""Lays the second wall around what is graded."""

from pathlib import Path

from django.db import migrations

CREATE = Path(__file__).with_suffix(".sql").read_text(encoding="utf-8")


class Migration(migrations.Migration):
    dependencies = [
        ("diagnosis", "0001_initial"),
        ("records", "0006_row_security"),
    ]
    operations = [migrations.RunSQL(CREATE)]
