"""Registers the app with Django."""

import os
from typing import Any

from django.apps import AppConfig
from django.conf import settings


def warm_up(**_: Any) -> None:
    """Load the networks when a gpu worker starts, not when the first doctor waits."""
    if os.environ.get("Q_CLUSTER_NAME") in {"gpu", settings.GRADING_QUEUE}:
        from diagnosis import graders

        graders.warm_up()


class DiagnosisConfig(AppConfig):
    name = "diagnosis"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        # Imported here: the module has models, so the apps must be there first.
        from django_q.signals import post_spawn

        post_spawn.connect(warm_up)
