"""Lays the second wall under people and private keys."""

from pathlib import Path

from django.db import migrations

CREATE = Path(__file__).with_suffix(".sql").read_text(encoding="utf-8")
DROP = """
DROP SCHEMA access CASCADE;
ALTER TABLE portal_membership DISABLE ROW LEVEL SECURITY;
ALTER TABLE portal_privatekey DISABLE ROW LEVEL SECURITY;
DROP POLICY sequencer ON portal_privatekey;
DROP POLICY site ON portal_privatekey;
"""


class Migration(migrations.Migration):
    dependencies = [("portal", "0003_private_keys")]
    operations = [migrations.RunSQL(CREATE, DROP)]
