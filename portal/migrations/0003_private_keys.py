"""Gives the private halves a table of their own, for their holders' eyes."""

import django.db.models.deletion
from django.db import migrations, models

MOVE = """
INSERT INTO portal_privatekey (key_id, sealed)
  SELECT key_id, sealed_private_key FROM portal_holderkey
"""
MOVE_BACK = """
UPDATE portal_holderkey SET sealed_private_key = sealed
  FROM portal_privatekey WHERE portal_privatekey.key_id = portal_holderkey.key_id
"""


class Migration(migrations.Migration):
    dependencies = [("portal", "0002_cache")]
    operations = [
        migrations.CreateModel(
            name="PrivateKey",
            fields=[
                (
                    "key",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="private",
                        serialize=False,
                        to="portal.holderkey",
                    ),
                ),
                (
                    "sealed",
                    models.BinaryField(help_text="PKCS#8 DER, sealed"),
                ),
            ],
        ),
        migrations.RunSQL(MOVE, MOVE_BACK),
        migrations.AlterField(
            "holderkey", "sealed_private_key", models.BinaryField(null=True)
        ),
        migrations.RemoveField("holderkey", "sealed_private_key"),
    ]
