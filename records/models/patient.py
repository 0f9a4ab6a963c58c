"""A patient with those who act for them."""

import secrets
import uuid
from datetime import date

from django.conf import settings
from django.db import models

from portal.models import KeyHolder, User
from portal.sealed_fields import BlindIndex, SealedTextField

CODE_ALPHABET = "ABCDEFGHJKMNPQRSTUVWXYZ23456789"
"""No I, L, O, 0 or 1: the code is read aloud at reception desks."""


def new_code() -> str:
    """Twelve letters in three groups, by which a family is found at a new hospital."""
    letters = [secrets.choice(CODE_ALPHABET) for _ in range(12)]
    return "-".join("".join(letters[i : i + 4]) for i in (0, 4, 8))


class Patient(models.Model):
    """Somebody whose history is kept; usually a small child."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    holder = models.OneToOneField(KeyHolder, models.PROTECT, related_name="patient")
    full_name = SealedTextField(index=BlindIndex("name_index", "patient name"))
    birth_date_text = SealedTextField(help_text="ISO 8601")
    code = SealedTextField(
        help_text="given by the family to a new hospital",
        index=BlindIndex("code_index", "patient code"),
    )
    code_index = models.BinaryField(unique=True, max_length=32)
    name_index = models.BinaryField(max_length=32, db_index=True)
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return str(self.full_name)

    def hold_readers(self) -> None:
        """Let nobody else change who may read this history until the transaction ends."""
        Patient.objects.select_for_update(no_key=True).get(pk=self.pk)

    def age_on(self, day: date) -> int:
        """Whole years; whoever was born on 29 February has their birthday on 1 March."""
        born = self.birth_date
        return day.year - born.year - ((day.month, day.day) < (born.month, born.day))

    @property
    def birth_date(self) -> date:
        """The day of birth."""
        return date.fromisoformat(self.birth_date_text)


class GuardianQuerySet(models.QuerySet["Guardian"]):
    """Ways to ask for guardians."""

    def acting(self, user: User) -> "GuardianQuerySet":
        """Where the person may act now: not who is frozen, nor who has ended."""
        return self.active().filter(user=user)

    def active(self) -> "GuardianQuerySet":
        """Those who may act now."""
        return self.filter(frozen_at=None, ended_at=None)


class Guardian(models.Model):
    """A person who acts for a patient; the patient themselves once they are of age."""

    patient = models.ForeignKey(Patient, models.CASCADE, related_name="guardians")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="wards"
    )
    since = models.DateTimeField(auto_now_add=True)
    frozen_at = models.DateTimeField(
        null=True, blank=True, help_text="since when a hospital keeps them from acting"
    )
    ended_at = models.DateTimeField(
        null=True, blank=True, help_text="since when the patient acts alone"
    )
    is_patient = models.BooleanField(default=False)

    objects = GuardianQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["patient", "user"], name="guardian_once_per_patient"
            ),
            models.UniqueConstraint(
                fields=["patient"],
                condition=models.Q(is_patient=True),
                name="a_patient_is_one_person",
            ),
        ]

    def __str__(self) -> str:
        return f"guardian {self.user_id}"
