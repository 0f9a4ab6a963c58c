"""Devices that send images, behind the second wall."""

import uuid
from pathlib import Path

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import portal.sealed_fields

CREATE = Path(__file__).with_suffix(".sql").read_text(encoding="utf-8")


class Migration(migrations.Migration):
    dependencies = [
        ("portal", "0005_institution_rules"),
        ("records", "0011_kinds_in_plain_words"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Device",
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
                ("name", portal.sealed_fields.SealedTextField()),
                (
                    "for_family",
                    models.BooleanField(
                        help_text="a guardian's, whose patient's key signs for it; else the hospital's"
                    ),
                ),
                ("enrolled_at", models.DateTimeField(auto_now_add=True)),
                (
                    "token_hash",
                    models.BinaryField(
                        help_text="SHA-256; 256 random bits need no salt",
                        max_length=32,
                        unique=True,
                    ),
                ),
                (
                    "ae_title",
                    models.CharField(
                        help_text="under which it calls by C-STORE",
                        max_length=16,
                        unique=True,
                    ),
                ),
                (
                    "certificate",
                    models.CharField(
                        blank=True,
                        help_text="SHA-256 of its client certificate, hex; none: the token alone",
                        max_length=64,
                    ),
                ),
                ("expires_at", models.DateTimeField()),
                ("revoked_at", models.DateTimeField(blank=True, null=True)),
                (
                    "heard_at",
                    models.DateTimeField(
                        blank=True,
                        help_text="when it last showed its token; to the minute",
                        null=True,
                    ),
                ),
                (
                    "enrolled_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "institution",
                    models.ForeignKey(
                        help_text="into whose care its images go",
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="devices",
                        to="portal.institution",
                    ),
                ),
            ],
            options={
                "ordering": ["-enrolled_at"],
            },
        ),
        migrations.AddField(
            model_name="act",
            name="device",
            field=models.ForeignKey(
                blank=True,
                help_text="which did it, on behalf of the actor",
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="acts",
                to="records.device",
            ),
        ),
        migrations.CreateModel(
            name="DeviceWard",
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
                (
                    "device",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="wards",
                        to="records.device",
                    ),
                ),
                (
                    "patient",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="device_wards",
                        to="records.patient",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Received",
            fields=[
                (
                    "document",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="received",
                        serialize=False,
                        to="records.document",
                    ),
                ),
                (
                    "instance",
                    portal.sealed_fields.SealedTextField(
                        help_text="SOP Instance UID, else the digest itself"
                    ),
                ),
                ("instance_index", models.BinaryField(max_length=32)),
                (
                    "digest",
                    portal.sealed_fields.SealedTextField(
                        help_text="SHA-256 of what is seen, hex"
                    ),
                ),
                (
                    "institution",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="portal.institution",
                    ),
                ),
                (
                    "patient",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="records.patient",
                    ),
                ),
            ],
        ),
        migrations.AddConstraint(
            model_name="device",
            constraint=models.UniqueConstraint(
                condition=models.Q(
                    models.Q(("certificate", ""), _negated=True), ("revoked_at", None)
                ),
                fields=("certificate",),
                name="certificate_names_one_device",
            ),
        ),
        migrations.AddConstraint(
            model_name="deviceward",
            constraint=models.UniqueConstraint(
                fields=("device", "patient"), name="ward_once_per_device"
            ),
        ),
        migrations.AddConstraint(
            model_name="received",
            constraint=models.UniqueConstraint(
                fields=("patient", "institution", "instance_index"),
                name="received_once",
            ),
        ),
        migrations.RunSQL(CREATE),
    ]
