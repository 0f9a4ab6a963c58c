"""Registers the app with Django."""

from typing import Any

from django.apps import AppConfig
from django.db import connections
from django.db.models.signals import post_migrate

GRANTS = """
GRANT USAGE ON SCHEMA public TO anamnesis_web, anamnesis_sequencer;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO anamnesis_web;
GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO anamnesis_web;
GRANT SELECT ON portal_holderkey, portal_privatekey TO anamnesis_sequencer;
ALTER DEFAULT PRIVILEGES IN SCHEMA public
  GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO anamnesis_web;
"""


def grant_to_logins(*, using: str, **_: Any) -> None:
    """Give the web and the sequencer what they need on the tables just made."""
    with connections[using].cursor() as cursor:
        cursor.execute(GRANTS)


class PortalConfig(AppConfig):
    name = "portal"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        post_migrate.connect(grant_to_logins, sender=self)
