"""Remembers when a document was last brought back from another institution's node."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("records", "0007_emergencies")]

    operations = [
        migrations.AddField(
            "document",
            "mended_at",
            models.DateTimeField(
                blank=True,
                help_text="when it was last put again from a peer",
                null=True,
            ),
        ),
    ]
