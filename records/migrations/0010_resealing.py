"""Documents can be sealed anew, and their readers see that they were."""

from pathlib import Path

from django.db import migrations, models

ALTER = Path(__file__).with_suffix(".sql").read_text(encoding="utf-8")


class Migration(migrations.Migration):
    dependencies = [
        ("records", "0009_names_under_the_data_key"),
    ]

    operations = [
        migrations.RunSQL(ALTER),
        migrations.AddField(
            model_name="document",
            name="replaced_cid",
            field=models.CharField(
                blank=True,
                help_text="what it was before, until that is removed",
                max_length=80,
            ),
        ),
        migrations.AddField(
            model_name="document",
            name="resealed_at",
            field=models.DateTimeField(
                blank=True, help_text="when it last got a new data key", null=True
            ),
        ),
    ]
