"""What people are told, with the second wall under it."""

from pathlib import Path

import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

CREATE = Path(__file__).with_suffix(".sql").read_text(encoding="utf-8")


class Migration(migrations.Migration):
    dependencies = [("portal", "0007_service_staff")]
    operations = [
        migrations.CreateModel(
            name="Notification",
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
                    "sentence",
                    models.CharField(
                        help_text="names no patient: it goes into a mail as it is",
                        max_length=200,
                    ),
                ),
                (
                    "path",
                    models.CharField(
                        help_text="of a page of this portal", max_length=200
                    ),
                ),
                ("made_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("read_at", models.DateTimeField(blank=True, null=True)),
                ("mailed_at", models.DateTimeField(blank=True, null=True)),
                (
                    "person",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="notifications",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "ordering": ["-made_at", "-pk"],
                "indexes": [
                    models.Index(fields=["person", "-made_at"], name="of_a_person"),
                    models.Index(
                        condition=models.Q(("read_at", None)),
                        fields=["person"],
                        name="unread_of_a_person",
                    ),
                    models.Index(
                        condition=models.Q(("mailed_at", None)),
                        fields=["made_at"],
                        name="not_yet_mailed",
                    ),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("path__regex", "^/([^/\\\\]|$)")),
                        name="path_is_of_this_portal",
                    )
                ],
            },
        ),
        migrations.RunSQL(CREATE, migrations.RunSQL.noop),
    ]
