"""Lays the second wall around data sets."""

from pathlib import Path

from django.db import migrations

CREATE = Path(__file__).with_suffix(".sql").read_text(encoding="utf-8")


class Migration(migrations.Migration):
    dependencies = [
        ("diagnosis", "0004_data_sets"),
        ("portal", "0004_row_security"),
    ]
    operations = [migrations.RunSQL(CREATE)]
