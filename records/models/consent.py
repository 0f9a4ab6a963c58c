"""A family's permission for a hospital to read."""

from datetime import datetime

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import ngettext

from portal.models import Institution
from records.models.document import Document
from records.models.patient import Patient
from records.scope import Extent, Purpose, Scope


class ConsentQuerySet(models.QuerySet["Consent"]):
    """Ways to ask for consents."""

    def live(self, at: datetime | None = None) -> "ConsentQuerySet":
        """Those neither withdrawn nor past their end; no job has to run for that."""
        return self.filter(closed_at=None, until__gt=at or timezone.now())


class Consent(models.Model):
    """One hospital may read a part of one patient's history until a moment."""

    patient = models.ForeignKey(Patient, models.CASCADE, related_name="consents")
    institution = models.ForeignKey(
        Institution, models.PROTECT, related_name="consents"
    )
    granted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+"
    )
    extent = models.CharField(max_length=10, choices=Extent)
    kind = models.CharField(max_length=20, choices=Document.Kind, blank=True)
    documents = ArrayField(models.UUIDField(), default=list, blank=True)
    purpose = models.CharField(max_length=10, choices=Purpose)
    granted_at = models.DateTimeField(default=timezone.now)
    until = models.DateTimeField()
    closed_at = models.DateTimeField(
        null=True,
        blank=True,
        help_text="before its end: withdrawn; after: its care ended, or a new one came",
    )

    objects = ConsentQuerySet.as_manager()

    class Meta:
        ordering = ["-granted_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["patient", "institution"],
                condition=Q(closed_at=None),
                name="one_open_consent_per_hospital",
            ),
            models.CheckConstraint(
                condition=Q(until__gt=F("granted_at")),
                name="consent_ends_after_it_starts",
            ),
            models.CheckConstraint(
                condition=Q(extent=Extent.EVERYTHING, kind="", documents=[])
                | Q(extent=Extent.KIND, documents=[]) & ~Q(kind="")
                | Q(extent=Extent.DOCUMENTS, kind="") & ~Q(documents=[]),
                name="consent_says_one_thing",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.institution_id} may read {self.patient_id}"

    @property
    def scope(self) -> Scope:
        """Which documents it opens."""
        return Scope(Extent(self.extent), self.kind, frozenset(self.documents))

    @property
    def what(self) -> str:
        """Its scope, for people."""
        if self.extent == Extent.KIND:
            return str(Document.Kind(self.kind).label)
        if self.extent == Extent.DOCUMENTS:
            count = len(self.documents)
            text = ngettext("%(count)d document", "%(count)d documents", count)
            return text % {"count": count}
        return str(Extent.EVERYTHING.label)

    @property
    def is_live(self) -> bool:
        """Whether it lets the hospital read now."""
        return self.closed_at is None and self.until > timezone.now()
