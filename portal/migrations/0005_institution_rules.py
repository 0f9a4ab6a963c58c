"""A hospital says from which age patients act alone, and how long it keeps what it made."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("portal", "0004_row_security"),
    ]

    operations = [
        migrations.AddField(
            model_name="institution",
            name="age_of_majority",
            field=models.PositiveSmallIntegerField(
                default=18, help_text="years, from which a patient acts alone"
            ),
        ),
        migrations.AddField(
            model_name="institution",
            name="retention_years",
            field=models.PositiveSmallIntegerField(
                default=10,
                help_text="for which a document must be kept, after it was made",
            ),
        ),
        migrations.AddConstraint(
            model_name="institution",
            constraint=models.CheckConstraint(
                condition=models.Q(("age_of_majority__range", (14, 25))),
                name="age_of_majority_is_an_age_of_majority",
            ),
        ),
        migrations.AddConstraint(
            model_name="institution",
            constraint=models.CheckConstraint(
                condition=models.Q(("retention_years__range", (0, 50))),
                name="retention_within_a_lifetime",
            ),
        ),
    ]
