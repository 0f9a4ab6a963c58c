"""Tells people what happened to what they asked for."""

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django_q.tasks import async_task

from portal.acting import Acting
from portal.models import Notification, User
from portal.row_security import UPKEEP, in_the_name_of


def notify(*, person: User, sentence: str, path: str) -> Notification:
    """Tell somebody, in the transaction of what happened.

    Who may: an action that concerns the person, or a worker.
    Records: nothing; what happened is recorded by whoever tells of it.
    Effects: a line in the portal at once, a mail once the transaction commits. The
        mail is no part of the request: a worker sends it, and tries again for hours.

    Args:
        person: who is told.
        sentence: what happened, at most 200 letters. It names no patient: a mail is
            read by others on its way.
        path: of the page that says more, e.g. ``/grades/…/``.
    """
    # Whoever acts need not be able to see whom else their act concerns.
    with in_the_name_of(UPKEEP):
        told = Notification.objects.create(person=person, sentence=sentence, path=path)
    transaction.on_commit(
        lambda: async_task("portal.tasks.mail_notifications", cluster="default"),
        robust=True,
    )
    return told


def mark_read(*, notification: Notification, by: Acting) -> None:
    """Remember that somebody opened what they were told of.

    Who may: whom it is for; to everybody else it does not exist.
    Records: nothing.
    """
    _own(by).filter(pk=notification.pk).update(read_at=timezone.now())


def mark_all_read(*, by: Acting) -> int:
    """Remember that somebody has seen everything they were told.

    Who may: anybody, for themselves.
    Records: nothing.

    Returns:
        how many were unread.
    """
    return _own(by).update(read_at=timezone.now())


def mark_page_read(*, path: str, by: Acting) -> None:
    """Remember that somebody, led there or not, sees the page they were told of.

    Who may: anybody, for themselves.
    Records: nothing.
    """
    _own(by).filter(path=path).update(read_at=timezone.now())


def _own(by: Acting) -> QuerySet[Notification]:
    return Notification.objects.filter(person=by.user).unread()
