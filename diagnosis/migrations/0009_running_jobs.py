"""Lets a job say how long each stage takes, and staff see the jobs that run or failed."""

from pathlib import Path

from django.db import migrations, models

CREATE = Path(__file__).with_suffix(".sql").read_text(encoding="utf-8")
DROP = "DROP POLICY looked_after ON diagnosis_gradingjob;"


class Migration(migrations.Migration):
    dependencies = [("diagnosis", "0008_judging")]
    operations = [
        migrations.AddField(
            model_name="gradingjob",
            name="stage_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="gradingjob",
            name="stages",
            field=models.JSONField(
                blank=True,
                default=list,
                help_text="[name, seconds] of each, once it is over",
            ),
        ),
        migrations.RunSQL(CREATE, DROP),
    ]
