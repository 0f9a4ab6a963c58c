"""A doctor's way into a history that nobody has allowed them, for an hour."""

from datetime import datetime, timedelta

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from portal.models import Institution
from portal.sealed_fields import SealedTextField
from records.models.patient import Patient

LASTS = timedelta(minutes=60)


def in_an_hour() -> datetime:
    """When an access that is opened now ends by itself."""
    return timezone.now() + LASTS


class EmergencyQuerySet(models.QuerySet["EmergencyAccess"]):
    """Ways to ask for emergency accesses."""

    def live(self) -> "EmergencyQuerySet":
        """Those that let a doctor read now; no job has to end them."""
        return self.filter(until__gt=timezone.now())

    def waiting(self) -> "EmergencyQuerySet":
        """Those on which the hospital has not said its word."""
        return self.filter(reviewed_at=None)


class EmergencyAccess(models.Model):
    """One doctor reads one whole history until a moment; the hospital judges it after."""

    patient = models.ForeignKey(Patient, models.CASCADE, related_name="emergencies")
    institution = models.ForeignKey(
        Institution, models.PROTECT, related_name="emergencies"
    )
    doctor = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+"
    )
    reason = SealedTextField()
    opened_at = models.DateTimeField(default=timezone.now)
    until = models.DateTimeField(default=in_an_hour)
    reviewed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
    )
    reviewed_at = models.DateTimeField(null=True, blank=True)
    is_justified = models.BooleanField(null=True, blank=True)
    note = SealedTextField(null=True, blank=True)

    objects = EmergencyQuerySet.as_manager()

    class Meta:
        ordering = ["-opened_at"]
        constraints = [
            models.CheckConstraint(
                condition=Q(until__gt=models.F("opened_at"))
                & Q(until__lte=models.F("opened_at") + LASTS + timedelta(seconds=1)),
                name="emergency_ends_within_an_hour",
            ),
            models.CheckConstraint(
                condition=Q(
                    reviewed_by=None, reviewed_at=None, is_justified=None, note=None
                )
                | Q(
                    reviewed_by__isnull=False,
                    reviewed_at__isnull=False,
                    is_justified__isnull=False,
                ),
                name="emergency_is_reviewed_by_somebody",
            ),
        ]

    def __str__(self) -> str:
        return f"emergency access {self.pk}"

    @property
    def is_live(self) -> bool:
        """Whether it lets the doctor read now."""
        return self.until > timezone.now()
