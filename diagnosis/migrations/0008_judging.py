"""Judging: a scale to measure by, doctors who cannot tell, and who may count them."""

from pathlib import Path

from django.conf import settings
from django.db import migrations, models

COUNT = Path(__file__).with_suffix(".sql").read_text(encoding="utf-8")


class Migration(migrations.Migration):
    dependencies = [
        ("diagnosis", "0007_model_versions"),
        ("portal", "0005_institution_rules"),
        ("records", "0011_kinds_in_plain_words"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name="gradingjob",
            name="millimetres_across",
            field=models.FloatField(
                blank=True,
                help_text="between columns, where the file gives it",
                null=True,
            ),
        ),
        migrations.AddField(
            model_name="gradingjob",
            name="millimetres_down",
            field=models.FloatField(
                blank=True, help_text="between rows, where the file gives it", null=True
            ),
        ),
        migrations.AddField(
            model_name="verdict",
            name="model_version",
            field=models.CharField(blank=True, max_length=60),
        ),
        migrations.AlterField(
            model_name="verdict",
            name="decision",
            field=models.CharField(
                choices=[
                    ("accepted", "Accepted"),
                    ("overruled", "Overruled"),
                    ("undecided", "Cannot tell"),
                ],
                max_length=10,
            ),
        ),
        migrations.AddConstraint(
            model_name="gradingjob",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("millimetres_across", None), ("millimetres_down", None)),
                    models.Q(
                        ("millimetres_across__gt", 0), ("millimetres_down__gt", 0)
                    ),
                    _connector="OR",
                ),
                name="a_scale_has_both_steps",
            ),
        ),
        migrations.RunSQL(COUNT),
    ]
