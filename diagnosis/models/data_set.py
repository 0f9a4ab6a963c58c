"""A data set of an institution: many images that come in, and are graded, at once."""

import uuid
from collections.abc import Mapping

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from portal.models import Institution
from portal.sealed_fields import SealedTextField


class Purpose(models.TextChoices):
    """What a data set is for."""

    GRADING = "grading", _("Have the images graded")
    VALIDATION = "validation", _("Validate the networks on labelled images")


class SetState(models.TextChoices):
    """Where a data set is before anything of it is graded."""

    WAITING = "waiting", _("Waiting")
    CHECKING = "checking", _("Being looked at")
    READY = "ready", _("Ready")
    REFUSED = "refused", _("Refused")


SET_TRANSITIONS: Mapping[SetState, frozenset[SetState]] = {
    SetState.WAITING: frozenset({SetState.CHECKING, SetState.REFUSED}),
    SetState.CHECKING: frozenset({SetState.READY, SetState.REFUSED, SetState.WAITING}),
    SetState.READY: frozenset(),
    SetState.REFUSED: frozenset(),
}
"""From each state, where a data set may go. Back to waiting: its worker died."""


class DataSet(models.Model):
    """What an institution sent; names, labels and pictures lie sealed in its contents."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    institution = models.ForeignKey(
        Institution, models.PROTECT, related_name="data_sets"
    )
    made_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+"
    )
    title = SealedTextField()
    purpose = models.CharField(max_length=10, choices=Purpose)
    state = models.CharField(max_length=8, choices=SetState, default=SetState.WAITING)
    claim = models.UUIDField(null=True, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    heard_at = models.DateTimeField(null=True, blank=True)
    queued_at = models.DateTimeField(default=timezone.now)
    created_at = models.DateTimeField(auto_now_add=True)
    checked_at = models.DateTimeField(null=True, blank=True)
    looked_at = models.PositiveIntegerField(default=0, help_text="files so far")
    files = models.PositiveIntegerField(default=0)
    usable = models.PositiveIntegerField(default=0)
    failure = models.CharField(max_length=300, blank=True, help_text="for the user")

    class Meta:
        ordering = ["-created_at"]
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=SetState.values), name="known_set_state"
            ),
            models.CheckConstraint(
                condition=Q(purpose__in=Purpose.values), name="known_set_purpose"
            ),
            models.CheckConstraint(
                condition=~Q(state=SetState.CHECKING)
                | Q(claim__isnull=False, heard_at__isnull=False),
                name="set_that_is_checked_is_claimed_and_heard",
            ),
            models.CheckConstraint(
                condition=~Q(state=SetState.REFUSED) | ~Q(failure=""),
                name="refused_set_has_a_sentence",
            ),
            models.CheckConstraint(
                condition=~Q(state=SetState.READY) | Q(usable__gt=0),
                name="ready_set_has_pictures",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.state} data set {self.id}"

    @property
    def is_checked(self) -> bool:
        """Whether nothing more will be found out about its files."""
        return self.state in {SetState.READY, SetState.REFUSED}
