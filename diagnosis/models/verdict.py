"""A doctor's word on an AI grade."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from diagnosis.models.grading_job import GradingJob
from records.models import Document


class Verdict(models.Model):
    """Accepted or overruled; grade and reason lie sealed in the document."""

    class Decision(models.TextChoices):
        """What the doctor did with the AI grade."""

        ACCEPTED = "accepted", _("Accepted")
        OVERRULED = "overruled", _("Overruled")

    job = models.ForeignKey(GradingJob, models.PROTECT, related_name="verdicts")
    decision = models.CharField(max_length=10, choices=Decision)
    document = models.OneToOneField(Document, models.PROTECT, related_name="verdict")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-at"]

    def __str__(self) -> str:
        return f"{self.decision} job {self.job_id}"
