"""A request for a grade, from the queue to its end."""

import secrets
import uuid
from collections.abc import Mapping
from datetime import timedelta

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from portal.models import Institution
from portal.row_security import UPKEEP, in_the_name_of
from records.models import Document


class State(models.TextChoices):
    """Where a job is; the worker's stage is finer and lies beside it."""

    QUEUED = "queued", _("Queued")
    PREPARING = "preparing", _("Preparing")
    RUNNING = "running", _("Running")
    SAVING = "saving", _("Saving")
    DONE = "done", _("Done")
    FAILED = "failed", _("Failed")
    CANCELLED = "cancelled", _("Cancelled")


TRANSITIONS: Mapping[State, frozenset[State]] = {
    State.QUEUED: frozenset({State.PREPARING, State.CANCELLED, State.FAILED}),
    State.PREPARING: frozenset(
        {State.RUNNING, State.QUEUED, State.FAILED, State.CANCELLED}
    ),
    State.RUNNING: frozenset(
        {State.SAVING, State.QUEUED, State.FAILED, State.CANCELLED}
    ),
    State.SAVING: frozenset({State.DONE, State.QUEUED, State.FAILED}),
    State.DONE: frozenset(),
    State.FAILED: frozenset({State.QUEUED}),
    State.CANCELLED: frozenset(),
}
"""From each state, where a job may go. Back to queued: its worker died, or a retry."""

ACTIVE = (State.PREPARING, State.RUNNING, State.SAVING)
UNFINISHED = (State.QUEUED, *ACTIVE)
SILENCE = timedelta(seconds=20)
"""A worker that has not been heard for so long is taken for dead."""
MAX_ATTEMPTS = 3
LOST = timedelta(minutes=2)
"""A job that is queued for so long may have lost its task; a second one is harmless."""


def new_correlation_id() -> str:
    """What a user quotes and staff find in the log."""
    return secrets.token_hex(4)


class GradingJob(models.Model):
    """One image, asked to be graded by the diagnosis service."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    image = models.ForeignKey(Document, models.PROTECT, related_name="grading_jobs")
    frame = models.PositiveIntegerField(default=0)
    copy = models.ForeignKey(Document, models.PROTECT, related_name="+")
    report = models.OneToOneField(
        Document, models.PROTECT, null=True, blank=True, related_name="graded_by"
    )
    millimetres_across = models.FloatField(
        null=True, blank=True, help_text="between columns, where the file gives it"
    )
    millimetres_down = models.FloatField(
        null=True, blank=True, help_text="between rows, where the file gives it"
    )
    institution = models.ForeignKey(Institution, models.PROTECT, related_name="+")
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+"
    )
    state = models.CharField(max_length=10, choices=State, default=State.QUEUED)
    stage = models.CharField(max_length=40, blank=True)
    stage_at = models.DateTimeField(null=True, blank=True)
    stages = models.JSONField(
        default=list, blank=True, help_text="[name, seconds] of each, once it is over"
    )
    claim = models.UUIDField(null=True, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    requested_at = models.DateTimeField(auto_now_add=True)
    queued_at = models.DateTimeField(default=timezone.now)
    claimed_at = models.DateTimeField(null=True, blank=True)
    heard_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    model_version = models.CharField(max_length=60, blank=True)
    weights_sha256 = models.CharField(max_length=64, blank=True)
    correlation_id = models.CharField(max_length=8, default=new_correlation_id)
    failure = models.CharField(max_length=300, blank=True, help_text="for the user")
    traceback = models.TextField(blank=True, help_text="for staff")

    class Meta:
        ordering = ["-requested_at"]
        indexes = [models.Index(fields=["state", "requested_at"])]
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=State.values), name="known_state"
            ),
            models.CheckConstraint(
                condition=~Q(state=State.DONE) | Q(report__isnull=False),
                name="done_has_a_report",
            ),
            models.CheckConstraint(
                condition=~Q(state=State.DONE) | ~Q(model_version=""),
                name="done_names_its_version",
            ),
            models.CheckConstraint(
                condition=~Q(state=State.FAILED) | ~Q(failure=""),
                name="failed_has_a_sentence",
            ),
            models.CheckConstraint(
                condition=~Q(state__in=ACTIVE)
                | Q(claim__isnull=False, heard_at__isnull=False),
                name="active_is_claimed_and_heard",
            ),
            models.CheckConstraint(
                condition=Q(millimetres_across=None, millimetres_down=None)
                | Q(millimetres_across__gt=0, millimetres_down__gt=0),
                name="a_scale_has_both_steps",
            ),
            models.UniqueConstraint(
                fields=["image", "frame"],
                condition=Q(state__in=UNFINISHED),
                name="one_unfinished_job_per_frame",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.state} job {self.id}"

    @property
    def millimetres_per_pixel(self) -> tuple[float, float] | None:
        """(x, y) of the image, where its file gives them."""
        if self.millimetres_across is None or self.millimetres_down is None:
            return None
        return self.millimetres_across, self.millimetres_down

    @property
    def is_finished(self) -> bool:
        """Whether nothing more will happen by itself."""
        return self.state not in UNFINISHED

    @property
    def phase(self) -> str:
        """The stage that runs now; the state, where the worker names none."""
        return self.stage or self.state

    @property
    def place_in_queue(self) -> int:
        """1 for the next one to run; 0 once it is no longer queued."""
        if self.state != State.QUEUED:
            return 0
        before = GradingJob.objects.filter(
            state=State.QUEUED, requested_at__lt=self.requested_at
        )
        with in_the_name_of(UPKEEP):  # counted only: whose they are stays unsaid
            return before.count() + 1

    @property
    def elapsed(self) -> timedelta:
        """From the request until the end, or until now."""
        return (self.ended_at or timezone.now()) - self.requested_at
