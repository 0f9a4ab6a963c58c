"""A family's wish that a hospital erase what it made."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from portal.models import Institution
from portal.sealed_fields import SealedTextField
from records.models.patient import Patient


class Erasure(models.Model):
    """Asked by whoever acts for the patient, decided by an admin of the hospital."""

    class Decision(models.TextChoices):
        """What the hospital did."""

        DONE = "done", "Erased"
        REFUSED = "refused", "Refused"

    patient = models.ForeignKey(Patient, models.CASCADE, related_name="erasures")
    institution = models.ForeignKey(
        Institution, models.PROTECT, related_name="erasures"
    )
    asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+"
    )
    asked_at = models.DateTimeField(default=timezone.now)
    decision = models.CharField(max_length=10, choices=Decision, blank=True)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
    )
    decided_at = models.DateTimeField(null=True, blank=True)
    reason = SealedTextField(null=True, blank=True)
    erased = models.PositiveIntegerField(default=0, help_text="documents")
    kept = models.PositiveIntegerField(default=0, help_text="documents, for now")
    removed_at = models.DateTimeField(
        null=True, blank=True, help_text="since when the store has none of the blocks"
    )
    kept_until = models.DateField(
        null=True, blank=True, help_text="when the last retention period ends"
    )

    class Meta:
        ordering = ["-asked_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["patient", "institution"],
                condition=Q(decision=""),
                name="one_open_erasure_per_hospital",
            ),
            models.CheckConstraint(
                condition=Q(decision="", decided_by=None, decided_at=None)
                | ~Q(decision="")
                & Q(decided_by__isnull=False, decided_at__isnull=False),
                name="erasure_is_decided_by_somebody",
            ),
        ]

    def __str__(self) -> str:
        return f"erasure {self.pk}"
