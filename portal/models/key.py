"""Who holds keys, with the keys themselves sealed under the master key."""

import uuid

from django.db import models
from django.db.models import Q


class KeyHolder(models.Model):
    """Anyone for whom something can be sealed, by whose name something can be signed.

    An institution, a patient, the diagnosis service or the log: the holder does
    not know which, so that this app need not know patients.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)

    def __str__(self) -> str:
        return str(self.id)


class HolderKey(models.Model):
    """The public half of one key pair of a holder, which is no secret."""

    class Purpose(models.TextChoices):
        """What a key pair is for."""

        SIGNING = "signing", "Ed25519 signatures"
        SEALING = "sealing", "RSA-3072-OAEP key wraps"

    key_id = models.BinaryField(
        primary_key=True,
        max_length=32,
        help_text="SHA-256 of the public key's SPKI DER",
    )
    holder = models.ForeignKey(KeyHolder, models.PROTECT, related_name="keys")
    purpose = models.CharField(max_length=8, choices=Purpose)
    public_key = models.BinaryField(help_text="SPKI DER")
    created_at = models.DateTimeField(auto_now_add=True)
    retired_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["holder", "purpose"],
                condition=Q(retired_at=None),
                name="one_live_key_per_purpose",
            )
        ]

    def __str__(self) -> str:
        return f"{self.purpose} {bytes(self.key_id).hex()[:16]}"


class PrivateKey(models.Model):
    """The private half; it opens with the master key only.

    A table of its own, so that the database can keep it from everybody but its holder.
    """

    key = models.OneToOneField(
        HolderKey, models.CASCADE, primary_key=True, related_name="private"
    )
    sealed = models.BinaryField(help_text="PKCS#8 DER, sealed")

    def __str__(self) -> str:
        return f"private half of {self.key_id.hex()[:16]}"
