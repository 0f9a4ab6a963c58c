"""Remembers when a document's blocks were last hashed again, and what was wrong."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("records", "0003_consent_scope")]

    operations = [
        migrations.AddField(
            "document",
            "scrubbed_at",
            models.DateTimeField(
                blank=True,
                help_text="when all blocks were last read and hashed",
                null=True,
            ),
        ),
        migrations.AddField(
            "document",
            "damage",
            models.TextField(
                blank=True, default="", help_text="what was wrong then, if anything"
            ),
            preserve_default=False,
        ),
    ]
