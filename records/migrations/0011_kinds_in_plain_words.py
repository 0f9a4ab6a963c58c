"""A kind of document is called what a parent would call it."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("records", "0010_resealing"),
    ]

    operations = [
        migrations.AlterField(
            model_name="consent",
            name="kind",
            field=models.CharField(
                blank=True,
                choices=[
                    ("image", "Ultrasound image"),
                    ("grade_report", "AI grade"),
                    ("verdict", "Doctor's verdict on an AI grade"),
                    ("service_copy", "Copy for the AI grade, without a name"),
                ],
                max_length=20,
            ),
        ),
        migrations.AlterField(
            model_name="document",
            name="kind",
            field=models.CharField(
                choices=[
                    ("image", "Ultrasound image"),
                    ("grade_report", "AI grade"),
                    ("verdict", "Doctor's verdict on an AI grade"),
                    ("service_copy", "Copy for the AI grade, without a name"),
                ],
                max_length=20,
            ),
        ),
    ]
