from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("records", "0001_initial"),
    ]

    operations = [
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
