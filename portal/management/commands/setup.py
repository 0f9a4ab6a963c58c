"""Prepares the database: roles, tables, grants, schedules, the log's own keys."""

import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import connection, transaction
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone
from django.utils.module_loading import import_string
from django_q.models import Schedule

from portal.database import ensure_roles_and_database
from portal.environment import BASE
from portal.errors import KeyUnavailable
from portal.keys import LOG_HOLDER, WITNESS_HOLDER, create_holder, log_signer
from portal.master_rotation import check_opens
from portal.models import KeyHolder


class Command(BaseCommand):
    help = "Prepare the database. Safe to run again: nothing is lost."
    requires_system_checks = []

    def handle(self, *args: Any, **options: Any) -> None:
        ensure_roles_and_database()
        if _migrations_wait():
            # Tables belong to the owner, whom this process must not be.
            as_owner("migrate", "--verbosity=0")
        with transaction.atomic():
            for holder in (LOG_HOLDER, WITNESS_HOLDER):
                if not KeyHolder.objects.filter(pk=holder).exists():
                    create_holder(holder_id=holder)
        _check_master_key()
        for function, minutes in settings.SCHEDULES.items():
            _schedule(function, schedule_type=Schedule.MINUTES, minutes=minutes)
        for function in settings.NIGHTLY:
            _schedule(function, schedule_type=Schedule.DAILY, next_run=_next_night())
        self.stdout.write(f"The database is ready for {settings.LEDGER_ORIGIN}.")
        for sentence in get_ready():
            self.stdout.write(sentence)


def get_ready() -> Iterator[str]:
    """Do what other apps need once the parties are there; each says what it did."""
    for name in settings.READY:
        if sentence := import_string(name)():
            yield sentence


def _schedule(function: str, **when: Any) -> None:
    Schedule.objects.update_or_create(
        name=function, defaults={"func": function, "repeats": -1, **when}
    )


def _next_night() -> datetime:
    now = timezone.localtime()
    tonight = now.replace(hour=settings.NIGHT_HOUR, minute=0, second=0, microsecond=0)
    return tonight if tonight > now else tonight + timedelta(days=1)


def _migrations_wait() -> bool:
    executor = MigrationExecutor(connection)
    return bool(executor.migration_plan(executor.loader.graph.leaf_nodes()))


def _check_master_key() -> None:
    try:
        log_signer()
        check_opens()
    except KeyUnavailable as problem:
        raise CommandError(
            "The master key is not the one this database was set up with."
            " Set MASTER_KEY or MASTER_KEY_FILE to that key; while it is rotated,"
            " MASTER_KEY_OLD or MASTER_KEY_OLD_FILE to the one before."
        ) from problem


def as_owner(*command: str) -> None:
    """Run a management command under the login that owns the tables."""
    subprocess.run(  # noqa: S603 our own command
        [sys.executable, str(BASE / "manage.py"), *command],
        check=True,
        env={**os.environ, "DATABASE_ROLE": "owner"},
    )
