from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("ledger", "0002_tiles_and_witnesses"),
    ]

    operations = [
        migrations.CreateModel(
            name="Inspection",
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
                ("started_at", models.DateTimeField(auto_now_add=True)),
                ("finished_at", models.DateTimeField(blank=True, null=True)),
                ("certified", models.BigIntegerField(default=0)),
                ("checkpoints", models.BigIntegerField(default=0)),
                ("bodies", models.IntegerField(default=0)),
                ("first_bad", models.BigIntegerField(blank=True, null=True)),
                ("trouble", models.TextField(blank=True, default="")),
            ],
            options={
                "ordering": ["-started_at"],
            },
        ),
    ]
