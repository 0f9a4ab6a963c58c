"""A hospital may keep a guardian from acting for a while."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("records", "0004_scrubbing"),
    ]

    operations = [
        migrations.AddField(
            model_name="guardian",
            name="frozen_at",
            field=models.DateTimeField(
                blank=True,
                help_text="since when a hospital keeps them from acting",
                null=True,
            ),
        ),
        migrations.AlterField(
            model_name="act",
            name="event",
            field=models.SmallIntegerField(
                choices=[
                    (1, "INSTITUTION_REGISTERED"),
                    (2, "MEMBER_ADDED"),
                    (3, "KEY_CREATED"),
                    (10, "PATIENT_REGISTERED"),
                    (11, "PATIENT_ENROLLED"),
                    (12, "ENROLMENT_ENDED"),
                    (13, "GUARDIAN_ADDED"),
                    (14, "GUARDIAN_FROZEN"),
                    (15, "GUARDIAN_RESTORED"),
                    (20, "DOCUMENT_ADDED"),
                    (21, "DOCUMENT_OPENED"),
                    (30, "CONSENT_GRANTED"),
                    (31, "CONSENT_WITHDRAWN"),
                    (40, "GRADING_REQUESTED"),
                    (41, "GRADE_RECORDED"),
                    (42, "GRADING_FAILED"),
                    (43, "GRADING_CANCELLED"),
                    (44, "GRADE_ACCEPTED"),
                    (45, "GRADE_OVERRULED"),
                    (50, "LOG_ANCHORED"),
                ]
            ),
        ),
    ]
