"""Lays the second wall around every patient."""

from pathlib import Path

from django.db import migrations

CREATE = Path(__file__).with_suffix(".sql").read_text(encoding="utf-8")


class Migration(migrations.Migration):
    dependencies = [
        ("records", "0005_frozen_guardians"),
        ("portal", "0004_row_security"),
    ]
    operations = [migrations.RunSQL(CREATE)]
