"""A doctor's word on an AI grade."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from diagnosis.models.grading_job import GradingJob
from records.models import Document


class Verdict(models.Model):
    """What a doctor made of the grade; their own grade and reason lie sealed.

    How they decided is no grade, so that it may stand here in plain: how often
    doctors agree is counted without opening anything of a patient.
    """

    class Decision(models.TextChoices):
        """What the doctor did with the AI grade."""

        ACCEPTED = "accepted", _("Accepted")
        OVERRULED = "overruled", _("Overruled")
        UNDECIDED = "undecided", _("Cannot tell")

    job = models.ForeignKey(GradingJob, models.PROTECT, related_name="verdicts")
    decision = models.CharField(max_length=10, choices=Decision)
    document = models.OneToOneField(Document, models.PROTECT, related_name="verdict")
    model_version = models.CharField(max_length=60, blank=True)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-at"]

    def __str__(self) -> str:
        return f"{self.decision} job {self.job_id}"
