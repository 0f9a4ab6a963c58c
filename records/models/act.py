"""What somebody did about a patient, as the portal tells it."""

import secrets

from django.conf import settings
from django.db import models
from django.utils.translation import gettext as _

from ledger.commitments import SALT_BYTES
from ledger.events import EVENTS, Event
from portal.models import Institution
from records.models.device import Device
from records.models.document import Document
from records.models.patient import Patient

OF_UPKEEP = {Event.KEY_CREATED, Event.DOCUMENT_RESEALED}
"""What whoever holds the machine does, in nobody's name."""


def new_salt() -> bytes:
    """32 random bytes; without them what the ledger holds of the act says nothing."""
    return secrets.token_bytes(SALT_BYTES)


class Act(models.Model):
    """One act about a patient, written in the act's own transaction.

    Its ledger entry commits to patient and `metadata` under `salt`; opaque ids only.
    """

    statement_id = models.BinaryField(primary_key=True, max_length=16)
    event = models.SmallIntegerField(help_text="of ledger.events.Event")
    patient = models.ForeignKey(Patient, models.CASCADE, related_name="acts")
    institution = models.ForeignKey(Institution, models.PROTECT, related_name="+")
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True
    )
    document = models.ForeignKey(
        Document, models.CASCADE, null=True, blank=True, related_name="acts"
    )
    device = models.ForeignKey(
        Device,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="acts",
        help_text="which did it, on behalf of the actor",
    )
    metadata = models.JSONField(default=dict)
    salt = models.BinaryField(default=new_salt)
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-at"]
        indexes = [models.Index(fields=["patient", "-at"])]

    def __str__(self) -> str:
        return f"{Event(self.event).name} {bytes(self.statement_id).hex()[:8]}"

    @property
    def done_by(self) -> str:
        """Who did it, in words; nobody signed in did what the site does by itself."""
        if self.device:
            said = _("%(device)s, a device enrolled by %(person)s")
            return said % {"device": self.device, "person": self.actor}
        if self.actor:
            return str(self.actor)
        return _("This portal") if self.event in OF_UPKEEP else _("Diagnosis service")

    @property
    def sentence(self) -> str:
        """What happened, in words for a parent."""
        return EVENTS[Event(self.event)].sentence
