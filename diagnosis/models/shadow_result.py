"""What a version in shadow mode said beside the active one, of nobody in particular."""

import uuid

from django.db import models
from django.db.models import Q

from diagnosis.models.model_version import ModelVersion


class ShadowResult(models.Model):
    """Two answers to one image, sealed for the diagnosis service.

    The row knows neither job nor image nor patient, and the day alone: nobody can
    tell whose it is, so there is nothing to erase with a history.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    version = models.ForeignKey(
        ModelVersion, models.PROTECT, related_name="shadow_results"
    )
    beside = models.ForeignKey(ModelVersion, models.PROTECT, related_name="+")
    day = models.DateField(auto_now_add=True)
    sealed = models.BinaryField(null=True, help_text="empty where the version failed")
    wrapped_key = models.BinaryField(null=True)
    key_id = models.BinaryField(null=True, max_length=32)

    class Meta:
        ordering = ["-day", "pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(
                    sealed__isnull=True, wrapped_key__isnull=True, key_id__isnull=True
                )
                | Q(
                    sealed__isnull=False,
                    wrapped_key__isnull=False,
                    key_id__isnull=False,
                ),
                name="sealed_with_its_key",
            ),
            models.CheckConstraint(
                condition=~Q(version=models.F("beside")), name="beside_another_version"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.version_id} beside {self.beside_id}"
