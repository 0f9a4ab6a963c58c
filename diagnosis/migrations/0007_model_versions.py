"""Keeps the versions of the networks, what is done about them, what one in shadow says."""

import uuid
from pathlib import Path

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

CREATE = Path(__file__).with_suffix(".sql").read_text(encoding="utf-8")


class Migration(migrations.Migration):
    dependencies = [
        ("diagnosis", "0005_data_set_security"),
        ("portal", "0007_service_staff"),
        ("records", "0011_kinds_in_plain_words"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="ModelStep",
            fields=[
                (
                    "statement_id",
                    models.BinaryField(
                        max_length=16, primary_key=True, serialize=False
                    ),
                ),
                ("event", models.SmallIntegerField(help_text="of ledger.events.Event")),
                ("metadata", models.JSONField(default=dict)),
                ("salt", models.BinaryField(max_length=32)),
                ("at", models.DateTimeField(auto_now_add=True)),
            ],
            options={
                "ordering": ["-at"],
            },
        ),
        migrations.CreateModel(
            name="ModelVersion",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid.uuid4,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                (
                    "name",
                    models.CharField(
                        help_text="as grades name it", max_length=60, unique=True
                    ),
                ),
                (
                    "weights_sha256",
                    models.CharField(
                        help_text="of the weights' manifest, hex",
                        max_length=64,
                        unique=True,
                    ),
                ),
                (
                    "cid",
                    models.CharField(
                        help_text="of the folder's archive", max_length=59
                    ),
                ),
                ("card", models.TextField(help_text="Markdown")),
                ("intended_use", models.TextField()),
                ("warnings", models.TextField()),
                ("approved_by", models.CharField(max_length=200)),
                (
                    "standing",
                    models.CharField(
                        choices=[
                            ("registered", "Registered"),
                            ("shadow", "In shadow mode"),
                            ("active", "Active"),
                            ("retired", "Retired"),
                        ],
                        default="registered",
                        max_length=10,
                    ),
                ),
                ("registered_at", models.DateTimeField(auto_now_add=True)),
                (
                    "activated_at",
                    models.DateTimeField(
                        blank=True, help_text="for the last time", null=True
                    ),
                ),
            ],
            options={
                "ordering": ["-registered_at"],
            },
        ),
        migrations.CreateModel(
            name="ShadowResult",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid.uuid4,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("day", models.DateField(auto_now_add=True)),
                (
                    "sealed",
                    models.BinaryField(
                        help_text="empty where the version failed", null=True
                    ),
                ),
                ("wrapped_key", models.BinaryField(null=True)),
                ("key_id", models.BinaryField(max_length=32, null=True)),
            ],
            options={
                "ordering": ["-day", "pk"],
            },
        ),
        migrations.AddField(
            model_name="gradingjob",
            name="weights_sha256",
            field=models.CharField(blank=True, max_length=64),
        ),
        migrations.AddConstraint(
            model_name="gradingjob",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("state", "done"), _negated=True),
                    models.Q(("model_version", ""), _negated=True),
                    _connector="OR",
                ),
                name="done_names_its_version",
            ),
        ),
        migrations.AddField(
            model_name="modelstep",
            name="actor",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddConstraint(
            model_name="modelversion",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("standing__in", ["registered", "shadow", "active", "retired"])
                ),
                name="known_standing",
            ),
        ),
        migrations.AddConstraint(
            model_name="modelversion",
            constraint=models.CheckConstraint(
                condition=models.Q(("weights_sha256__regex", "^[0-9a-f]{64}$")),
                name="weights_by_sha256",
            ),
        ),
        migrations.AddConstraint(
            model_name="modelversion",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("standing", "active"), _negated=True),
                    ("activated_at__isnull", False),
                    _connector="OR",
                ),
                name="active_was_activated",
            ),
        ),
        migrations.AddConstraint(
            model_name="modelversion",
            constraint=models.UniqueConstraint(
                condition=models.Q(("standing", "active")),
                fields=("standing",),
                name="one_active_version",
            ),
        ),
        migrations.AddConstraint(
            model_name="modelversion",
            constraint=models.UniqueConstraint(
                condition=models.Q(("standing", "shadow")),
                fields=("standing",),
                name="one_version_in_shadow",
            ),
        ),
        migrations.AddField(
            model_name="modelstep",
            name="version",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="steps",
                to="diagnosis.modelversion",
            ),
        ),
        migrations.AddField(
            model_name="shadowresult",
            name="beside",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="diagnosis.modelversion",
            ),
        ),
        migrations.AddField(
            model_name="shadowresult",
            name="version",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="shadow_results",
                to="diagnosis.modelversion",
            ),
        ),
        migrations.AddConstraint(
            model_name="shadowresult",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("key_id__isnull", True),
                        ("sealed__isnull", True),
                        ("wrapped_key__isnull", True),
                    ),
                    models.Q(
                        ("key_id__isnull", False),
                        ("sealed__isnull", False),
                        ("wrapped_key__isnull", False),
                    ),
                    _connector="OR",
                ),
                name="sealed_with_its_key",
            ),
        ),
        migrations.AddConstraint(
            model_name="shadowresult",
            constraint=models.CheckConstraint(
                condition=models.Q(("version", models.F("beside")), _negated=True),
                name="beside_another_version",
            ),
        ),
        migrations.RunSQL(CREATE),
    ]
