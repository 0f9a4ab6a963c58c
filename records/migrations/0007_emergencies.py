"""Emergencies, erasures, names that are found, patients who are of age."""

import datetime
from pathlib import Path
from typing import Any

import django.db.models.deletion
import django.db.models.expressions
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

import portal.sealed_fields
import records.models.emergency
from portal.sealed_fields import blind_index

CREATE = Path(__file__).with_suffix(".sql").read_text(encoding="utf-8")


def index_names(apps: Any, schema_editor: Any) -> None:
    """A keyed fingerprint for each name that there is."""
    patients = apps.get_model("records", "Patient")
    for patient in patients.objects.iterator():
        index = blind_index(patient.full_name, purpose="patient name")
        patients.objects.filter(pk=patient.pk).update(name_index=index)


class Migration(migrations.Migration):
    dependencies = [
        ("portal", "0005_institution_rules"),
        ("records", "0006_row_security"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="EmergencyAccess",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True,
                        primary_key=True,
                        serialize=False,
                        verbose_name="ID",
                    ),
                ),
                ("reason", portal.sealed_fields.SealedTextField()),
                ("opened_at", models.DateTimeField(default=django.utils.timezone.now)),
                (
                    "until",
                    models.DateTimeField(default=records.models.emergency.in_an_hour),
                ),
                ("reviewed_at", models.DateTimeField(blank=True, null=True)),
                ("is_justified", models.BooleanField(blank=True, null=True)),
                ("note", portal.sealed_fields.SealedTextField(blank=True, null=True)),
            ],
            options={
                "ordering": ["-opened_at"],
            },
        ),
        migrations.CreateModel(
            name="Erasure",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True,
                        primary_key=True,
                        serialize=False,
                        verbose_name="ID",
                    ),
                ),
                ("asked_at", models.DateTimeField(default=django.utils.timezone.now)),
                (
                    "decision",
                    models.CharField(
                        blank=True,
                        choices=[("done", "Erased"), ("refused", "Refused")],
                        max_length=10,
                    ),
                ),
                ("decided_at", models.DateTimeField(blank=True, null=True)),
                ("reason", portal.sealed_fields.SealedTextField(blank=True, null=True)),
                (
                    "erased",
                    models.PositiveIntegerField(default=0, help_text="documents"),
                ),
                (
                    "kept",
                    models.PositiveIntegerField(
                        default=0, help_text="documents, for now"
                    ),
                ),
                (
                    "removed_at",
                    models.DateTimeField(
                        blank=True,
                        help_text="since when the store has none of the blocks",
                        null=True,
                    ),
                ),
                (
                    "kept_until",
                    models.DateField(
                        blank=True,
                        help_text="when the last retention period ends",
                        null=True,
                    ),
                ),
            ],
            options={
                "ordering": ["-asked_at"],
            },
        ),
        migrations.AddField(
            model_name="document",
            name="erasure",
            field=models.ForeignKey(
                blank=True,
                help_text="since which nobody can open it any more",
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="documents",
                to="records.erasure",
            ),
        ),
        migrations.AddField(
            model_name="guardian",
            name="ended_at",
            field=models.DateTimeField(
                blank=True, help_text="since when the patient acts alone", null=True
            ),
        ),
        migrations.AddField(
            model_name="guardian",
            name="is_patient",
            field=models.BooleanField(default=False),
        ),
        migrations.AddField(
            model_name="patient",
            name="name_index",
            field=models.BinaryField(db_index=True, max_length=32, null=True),
        ),
        migrations.RunPython(index_names, migrations.RunPython.noop),
        migrations.AlterField(
            model_name="patient",
            name="name_index",
            field=models.BinaryField(db_index=True, max_length=32),
        ),
        migrations.AlterField(
            model_name="act",
            name="event",
            field=models.SmallIntegerField(help_text="of ledger.events.Event"),
        ),
        migrations.AddConstraint(
            model_name="guardian",
            constraint=models.UniqueConstraint(
                condition=models.Q(("is_patient", True)),
                fields=("patient",),
                name="a_patient_is_one_person",
            ),
        ),
        migrations.AddField(
            model_name="emergencyaccess",
            name="doctor",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="emergencyaccess",
            name="institution",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="emergencies",
                to="portal.institution",
            ),
        ),
        migrations.AddField(
            model_name="emergencyaccess",
            name="patient",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="emergencies",
                to="records.patient",
            ),
        ),
        migrations.AddField(
            model_name="emergencyaccess",
            name="reviewed_by",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="erasure",
            name="asked_by",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="erasure",
            name="decided_by",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="erasure",
            name="institution",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="erasures",
                to="portal.institution",
            ),
        ),
        migrations.AddField(
            model_name="erasure",
            name="patient",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="erasures",
                to="records.patient",
            ),
        ),
        migrations.AddConstraint(
            model_name="emergencyaccess",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("until__gt", models.F("opened_at")),
                    (
                        "until__lte",
                        django.db.models.expressions.CombinedExpression(
                            django.db.models.expressions.CombinedExpression(
                                models.F("opened_at"),
                                "+",
                                models.Value(datetime.timedelta(seconds=3600)),
                            ),
                            "+",
                            models.Value(datetime.timedelta(seconds=1)),
                        ),
                    ),
                ),
                name="emergency_ends_within_an_hour",
            ),
        ),
        migrations.AddConstraint(
            model_name="emergencyaccess",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("is_justified", None),
                        ("note", None),
                        ("reviewed_at", None),
                        ("reviewed_by", None),
                    ),
                    models.Q(
                        ("is_justified__isnull", False),
                        ("reviewed_at__isnull", False),
                        ("reviewed_by__isnull", False),
                    ),
                    _connector="OR",
                ),
                name="emergency_is_reviewed_by_somebody",
            ),
        ),
        migrations.AddConstraint(
            model_name="erasure",
            constraint=models.UniqueConstraint(
                condition=models.Q(("decision", "")),
                fields=("patient", "institution"),
                name="one_open_erasure_per_hospital",
            ),
        ),
        migrations.AddConstraint(
            model_name="erasure",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("decided_at", None), ("decided_by", None), ("decision", "")
                    ),
                    models.Q(
                        models.Q(("decision", ""), _negated=True),
                        ("decided_at__isnull", False),
                        ("decided_by__isnull", False),
                    ),
                    _connector="OR",
                ),
                name="erasure_is_decided_by_somebody",
            ),
        ),
        migrations.RunSQL(CREATE),
    ]
