"""The same small row once for each way, each library set up as its first page says."""

import pghistory
from auditlog.registry import auditlog
from django.db import models
from django.utils import timezone
from simple_history.models import HistoricalRecords


class Document(models.Model):
    """What the portal knows of a document without opening it."""

    kind = models.CharField(max_length=20)
    cid = models.TextField()
    institution = models.IntegerField()
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return f"{self.kind} {self.cid}"


class PlainDocument(Document):
    """Nobody records it."""


class AuditlogDocument(Document):
    """Recorded by django-auditlog."""


auditlog.register(AuditlogDocument)


class SimpleHistoryDocument(Document):
    """Recorded by django-simple-history."""

    history = HistoricalRecords()


@pghistory.track()
class PghistoryDocument(Document):
    """Recorded by django-pghistory."""


class LedgerDocument(Document):
    """Recorded by whoever changes it, on this product's ledger."""
