"""Where a patient is, or was, in care."""

from django.db import models
from django.db.models import F, Q

from portal.models import Institution
from portal.sealed_fields import BlindIndex, SealedTextField
from records.models.patient import Patient


class Enrolment(models.Model):
    """A patient's time at one hospital; being enrolled lets the hospital see nothing."""

    patient = models.ForeignKey(Patient, models.CASCADE, related_name="enrolments")
    institution = models.ForeignKey(
        Institution, models.PROTECT, related_name="enrolments"
    )
    hospital_number = SealedTextField(
        index=BlindIndex("number_index", "hospital number")
    )
    number_index = models.BinaryField(max_length=32)
    started_at = models.DateTimeField(auto_now_add=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["patient", "institution"],
                condition=Q(ended_at=None),
                name="enrolled_once_at_a_time",
            ),
            models.UniqueConstraint(
                fields=["institution", "number_index"],
                condition=Q(ended_at=None),
                name="hospital_number_names_one_patient",
            ),
            models.CheckConstraint(
                condition=Q(ended_at=None) | Q(ended_at__gte=F("started_at")),
                name="enrolment_ends_after_it_starts",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.patient_id} at {self.institution_id}"
