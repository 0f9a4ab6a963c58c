"""A party that acts in the portal: a hospital, the diagnosis service, the platform."""

from django.db import models

from portal.models.key import KeyHolder


class Institution(models.Model):
    """A party with members and keys; its number is the ledger's tenant."""

    class Kind(models.TextChoices):
        """What sort of party it is."""

        HOSPITAL = "hospital", "Hospital"
        DIAGNOSIS_SERVICE = "diagnosis_service", "Diagnosis service"
        PLATFORM = "platform", "Platform"

    name = models.CharField(max_length=120, unique=True)
    kind = models.CharField(max_length=20, choices=Kind)
    holder = models.OneToOneField(KeyHolder, models.PROTECT, related_name="institution")
    age_of_majority = models.PositiveSmallIntegerField(
        default=18, help_text="years, from which a patient acts alone"
    )
    retention_years = models.PositiveSmallIntegerField(
        default=10, help_text="for which a document must be kept, after it was made"
    )
    registered_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(
                fields=["kind"],
                condition=~models.Q(kind="hospital"),
                name="one_service_and_one_platform",
            ),
            models.CheckConstraint(
                condition=models.Q(age_of_majority__range=(14, 25)),
                name="age_of_majority_is_an_age_of_majority",
            ),
            models.CheckConstraint(
                condition=models.Q(retention_years__range=(0, 50)),
                name="retention_within_a_lifetime",
            ),
        ]

    def __str__(self) -> str:
        return self.name
