"""A consent says what it opens and what for; those given before open everything."""

import django.contrib.postgres.fields
from django.db import migrations, models

KINDS = [
    ("image", "Ultrasound image"),
    ("grade_report", "AI grade"),
    ("verdict", "Doctor's verdict on an AI grade"),
    ("service_copy", "Desensitised copy for the diagnosis service"),
]
EXTENTS = [
    ("everything", "The whole history"),
    ("kind", "One kind of document"),
    ("documents", "Single documents"),
]
PURPOSES = [
    ("TREAT", "Treatment"),
    ("CAREMGT", "Follow-up between hospitals"),
    ("HRESCH", "Research"),
    ("PATRQT", "Because we ask for it"),
]
ONE_THING = (
    models.Q(extent="everything", kind="", documents=[])
    | models.Q(extent="kind", documents=[]) & ~models.Q(kind="")
    | models.Q(extent="documents", kind="") & ~models.Q(documents=[])
)


class Migration(migrations.Migration):
    dependencies = [("records", "0002_log_anchored")]

    operations = [
        migrations.AddField(
            "consent",
            "extent",
            models.CharField(choices=EXTENTS, max_length=10, default="everything"),
            preserve_default=False,
        ),
        migrations.AddField(
            "consent",
            "kind",
            models.CharField(blank=True, choices=KINDS, max_length=20, default=""),
            preserve_default=False,
        ),
        migrations.AddField(
            "consent",
            "documents",
            django.contrib.postgres.fields.ArrayField(
                base_field=models.UUIDField(), blank=True, default=list, size=None
            ),
        ),
        migrations.AddField(
            "consent",
            "purpose",
            models.CharField(choices=PURPOSES, max_length=10, default="TREAT"),
            preserve_default=False,
        ),
        migrations.AddConstraint(
            "consent",
            models.CheckConstraint(condition=ONE_THING, name="consent_says_one_thing"),
        ),
    ]
