"""One grading of a whole data set, from the queue to its end."""

import uuid
from datetime import timedelta

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from diagnosis.models.data_set import DataSet
from diagnosis.models.grading_job import (
    ACTIVE,
    UNFINISHED,
    State,
    new_correlation_id,
)


class SetRun(models.Model):
    """A data set, given to the diagnosis service; states and moves are a job's."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    data_set = models.ForeignKey(DataSet, models.PROTECT, related_name="runs")
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+"
    )
    state = models.CharField(max_length=10, choices=State, default=State.QUEUED)
    claim = models.UUIDField(null=True, blank=True)
    attempts = models.PositiveSmallIntegerField(
        default=0, help_text="since the last picture that was graded"
    )
    requested_at = models.DateTimeField(auto_now_add=True)
    queued_at = models.DateTimeField(default=timezone.now)
    started_at = models.DateTimeField(null=True, blank=True)
    heard_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    done = models.PositiveIntegerField(default=0, help_text="pictures so far")
    model_version = models.CharField(max_length=60, blank=True)
    weights_sha256 = models.CharField(max_length=64, blank=True)
    correlation_id = models.CharField(max_length=8, default=new_correlation_id)
    failure = models.CharField(max_length=300, blank=True, help_text="for the user")
    traceback = models.TextField(blank=True, help_text="for staff")
    report_failure = models.CharField(
        max_length=300, blank=True, help_text="why there is no validation report"
    )
    compared_at = models.DateTimeField(null=True, blank=True)
    compared = models.PositiveIntegerField(
        default=0, help_text="pictures graded directly, too"
    )
    differing = models.PositiveIntegerField(default=0, help_text="of them")

    class Meta:
        ordering = ["-requested_at"]
        indexes = [models.Index(fields=["state", "requested_at"])]
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=State.values), name="known_run_state"
            ),
            models.CheckConstraint(
                condition=~Q(state=State.FAILED) | ~Q(failure=""),
                name="failed_run_has_a_sentence",
            ),
            models.CheckConstraint(
                condition=~Q(state__in=ACTIVE)
                | Q(claim__isnull=False, heard_at__isnull=False),
                name="active_run_is_claimed_and_heard",
            ),
            models.CheckConstraint(
                condition=Q(differing__lte=models.F("compared")),
                name="no_more_differ_than_were_compared",
            ),
            models.UniqueConstraint(
                fields=["data_set"],
                condition=Q(state__in=UNFINISHED),
                name="one_unfinished_run_per_set",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.state} run {self.id}"

    @property
    def is_finished(self) -> bool:
        """Whether nothing more will happen by itself."""
        return self.state not in UNFINISHED

    @property
    def elapsed(self) -> timedelta:
        """From the request until the end, or until now."""
        return (self.ended_at or timezone.now()) - self.requested_at


class SetResult(models.Model):
    """One picture's grade, sealed, until the run's results lie in the store."""

    run = models.ForeignKey(SetRun, models.CASCADE, related_name="results")
    number = models.PositiveIntegerField()
    sealed = models.BinaryField()

    class Meta:
        ordering = ["number"]
        constraints = [
            models.UniqueConstraint(
                fields=["run", "number"], name="every_picture_is_graded_once"
            )
        ]

    def __str__(self) -> str:
        return f"result {self.number} of run {self.run_id}"
