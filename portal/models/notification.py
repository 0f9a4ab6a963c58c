"""What somebody is told: in the portal, then by mail."""

from datetime import timedelta
from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

WORTH_A_MAIL = timedelta(hours=12)
"""A mail that could not be sent for so long is given up; the portal still says it."""


class NotificationQuerySet(models.QuerySet["Notification"]):
    """Notifications, narrowed by what became of them."""

    def unread(self) -> Self:
        """Those whose page the person has not opened yet."""
        return self.filter(read_at=None)

    def to_mail(self) -> Self:
        """Those of which no mail has gone out, while it is still worth one."""
        since = timezone.now() - WORTH_A_MAIL
        return self.filter(
            mailed_at=None, made_at__gte=since, person__is_active=True
        ).order_by("made_at")


class Notification(models.Model):
    """One sentence for one person, with the page that says more."""

    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="notifications"
    )
    sentence = models.CharField(
        max_length=200, help_text="names no patient: it goes into a mail as it is"
    )
    path = models.CharField(max_length=200, help_text="of a page of this portal")
    made_at = models.DateTimeField(default=timezone.now)
    read_at = models.DateTimeField(null=True, blank=True)
    mailed_at = models.DateTimeField(null=True, blank=True)

    objects = NotificationQuerySet.as_manager()

    class Meta:
        ordering = ["-made_at", "-pk"]
        indexes = [
            models.Index(fields=["person", "-made_at"], name="of_a_person"),
            models.Index(
                fields=["person"], condition=Q(read_at=None), name="unread_of_a_person"
            ),
            models.Index(
                fields=["made_at"], condition=Q(mailed_at=None), name="not_yet_mailed"
            ),
        ]
        constraints = [
            # A browser takes two slashes, or a slash with a backslash, for another site.
            models.CheckConstraint(
                condition=Q(path__regex=r"^/([^/\\]|$)"), name="path_is_of_this_portal"
            ),
        ]

    def __str__(self) -> str:
        return self.sentence
