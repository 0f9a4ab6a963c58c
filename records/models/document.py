"""A sealed document: where its ciphertext lies, with what the ledger said of it."""

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from portal.models import Institution
from records.models.patient import Patient


class DocumentQuerySet(models.QuerySet["Document"]):
    """Ways to ask for documents."""

    def with_replaced_blocks(self) -> "DocumentQuerySet":
        """Those sealed anew whose content of before is still in the store."""
        return self.exclude(replaced_cid="")

    def kept(self) -> "DocumentQuerySet":
        """The history's own: without the diagnosis service's copies and what is erased."""
        return self.filter(erasure=None).exclude(kind=Document.Kind.SERVICE_COPY)


class Document(models.Model):
    """One sealed content, made by one institution about one patient.

    Its id is the record id that the envelope, the wraps and the commitment bind.
    """

    class Kind(models.TextChoices):
        """What the content is."""

        IMAGE = "image", _("Ultrasound image")
        GRADE_REPORT = "grade_report", _("AI grade")
        VERDICT = "verdict", _("Doctor's verdict on an AI grade")
        SERVICE_COPY = "service_copy", _("Copy for the AI grade, without a name")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    patient = models.ForeignKey(Patient, models.CASCADE, related_name="documents")
    institution = models.ForeignKey(
        Institution, models.PROTECT, related_name="documents"
    )
    kind = models.CharField(max_length=20, choices=Kind)
    media_type = models.CharField(max_length=60)
    cid = models.CharField(max_length=80, help_text="CIDv1 of the sealed bytes")
    sealed_bytes = models.BigIntegerField()
    key_commitment = models.BinaryField(max_length=32)
    sealed_name = models.TextField(help_text="hex; sealed under the data key")
    statement_id = models.BinaryField(unique=True, max_length=16)
    about = models.ForeignKey(
        "self", models.PROTECT, null=True, blank=True, related_name="followed_by"
    )
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True
    )
    created_at = models.DateTimeField(auto_now_add=True)

    erasure = models.ForeignKey(
        "records.Erasure",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="documents",
        help_text="since which nobody can open it any more",
    )
    resealed_at = models.DateTimeField(
        null=True, blank=True, help_text="when it last got a new data key"
    )
    replaced_cid = models.CharField(
        max_length=80, blank=True, help_text="what it was before, until that is removed"
    )
    scrubbed_at = models.DateTimeField(
        null=True, blank=True, help_text="when all blocks were last read and hashed"
    )
    damage = models.TextField(blank=True, help_text="what was wrong then, if anything")
    mended_at = models.DateTimeField(
        null=True, blank=True, help_text="when it was last put again from a peer"
    )

    objects = DocumentQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at"]
        indexes = [models.Index(fields=["patient", "-created_at"])]
        constraints = [
            models.CheckConstraint(
                condition=Q(sealed_bytes__gt=0), name="sealed_content_is_not_empty"
            )
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.id}"
