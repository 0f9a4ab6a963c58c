"""Queues what follows from an act."""

from typing import Any

from django.conf import settings
from django.db import transaction
from django_q.tasks import async_task


def queue_with_act(task: str, *arguments: Any) -> None:
    """Queue a task that must find the act that it follows from.

    On PostgreSQL it is a row of the act's own transaction: a process that dies now loses
    no task. Redis knows nothing of transactions, so there it is told after the commit.

    Args:
        task: dotted name of a function.
        arguments: ids; nothing of a patient.
    """
    if not settings.REDIS_URL:
        async_task(task, *arguments)
        return
    transaction.on_commit(lambda: async_task(task, *arguments), robust=True)
