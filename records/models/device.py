"""A scanner that sends images by itself, with the children for whom it may."""

import uuid

from django.conf import settings
from django.db import models
from django.utils import timezone

from portal.models import Institution
from portal.sealed_fields import BlindIndex, SealedTextField
from records.models.document import Document
from records.models.patient import Patient


class DeviceQuerySet(models.QuerySet["Device"]):
    """Ways to ask for devices."""

    def live(self) -> "DeviceQuerySet":
        """Those that may send now, as far as their token goes."""
        return self.filter(revoked_at=None, expires_at__gt=timezone.now())


class Device(models.Model):
    """A scanner on whose images somebody's name stands: that of who enrolled it."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = SealedTextField()
    institution = models.ForeignKey(
        Institution,
        models.PROTECT,
        related_name="devices",
        help_text="into whose care its images go",
    )
    for_family = models.BooleanField(
        help_text="a guardian's, whose patient's key signs for it; else the hospital's"
    )
    enrolled_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+"
    )
    enrolled_at = models.DateTimeField(auto_now_add=True)
    token_hash = models.BinaryField(
        unique=True, max_length=32, help_text="SHA-256; 256 random bits need no salt"
    )
    ae_title = models.CharField(
        unique=True, max_length=16, help_text="under which it calls by C-STORE"
    )
    certificate = models.CharField(
        max_length=64,
        blank=True,
        help_text="SHA-256 of its client certificate, hex; none: the token alone",
    )
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True, blank=True)
    heard_at = models.DateTimeField(
        null=True, blank=True, help_text="when it last showed its token; to the minute"
    )

    objects = DeviceQuerySet.as_manager()

    class Meta:
        ordering = ["-enrolled_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["certificate"],
                condition=~models.Q(certificate="") & models.Q(revoked_at=None),
                name="certificate_names_one_device",
            ),
        ]

    def __str__(self) -> str:
        return str(self.name)

    @property
    def is_live(self) -> bool:
        """Whether its token still counts."""
        return self.revoked_at is None and self.expires_at > timezone.now()


class DeviceWard(models.Model):
    """A child for whom a device may send."""

    device = models.ForeignKey(Device, models.CASCADE, related_name="wards")
    patient = models.ForeignKey(Patient, models.CASCADE, related_name="device_wards")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["device", "patient"], name="ward_once_per_device"
            )
        ]

    def __str__(self) -> str:
        return f"{self.device_id} for {self.patient_id}"


class Received(models.Model):
    """By what an image that a device sent is recognised when it comes again."""

    document = models.OneToOneField(
        Document, models.CASCADE, primary_key=True, related_name="received"
    )
    patient = models.ForeignKey(Patient, models.CASCADE, related_name="+")
    institution = models.ForeignKey(Institution, models.PROTECT, related_name="+")
    instance = SealedTextField(
        index=BlindIndex("instance_index", "received instance"),
        help_text="SOP Instance UID, else the digest itself",
    )
    instance_index = models.BinaryField(max_length=32)
    digest = SealedTextField(help_text="SHA-256 of what is seen, hex")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["patient", "institution", "instance_index"],
                name="received_once",
            )
        ]

    def __str__(self) -> str:
        return f"received {self.document_id}"
