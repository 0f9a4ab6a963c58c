"""What a hospital shows everybody of a validation: figures, never an image."""

from django.conf import settings
from django.db import models

from diagnosis.models.set_run import SetRun


class PublishedReport(models.Model):
    """The figures of one validation report, open to whoever is signed in."""

    run = models.OneToOneField(SetRun, models.PROTECT, related_name="published")
    hospital = models.CharField(max_length=120, help_text="its name on that day")
    model_version = models.CharField(max_length=60)
    weights_sha256 = models.CharField(max_length=64)
    figures = models.JSONField()
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-at"]

    def __str__(self) -> str:
        return f"figures of run {self.run_id}"
