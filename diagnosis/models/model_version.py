"""A version of the networks, from its registration to its retirement."""

import uuid
from collections.abc import Mapping

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from ledger.commitments import SALT_BYTES
from ledger.events import EVENTS, Event


class Standing(models.TextChoices):
    """What a version is for now."""

    REGISTERED = "registered", _("Registered")
    SHADOW = "shadow", _("In shadow mode")
    ACTIVE = "active", _("Active")
    RETIRED = "retired", _("Retired")


STEPS: Mapping[Standing, frozenset[Standing]] = {
    Standing.REGISTERED: frozenset(
        {Standing.SHADOW, Standing.ACTIVE, Standing.RETIRED}
    ),
    Standing.SHADOW: frozenset({Standing.ACTIVE, Standing.RETIRED}),
    Standing.ACTIVE: frozenset({Standing.RETIRED}),
    Standing.RETIRED: frozenset({Standing.SHADOW, Standing.ACTIVE}),
}
"""From each standing, where a version may go. From retired to active: going back."""

SHA256 = r"^[0-9a-f]{64}$"


class ModelVersion(models.Model):
    """One folder of weights, known by its digest, with what it is for."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=60, unique=True, help_text="as grades name it")
    weights_sha256 = models.CharField(
        max_length=64, unique=True, help_text="of the weights' manifest, hex"
    )
    cid = models.CharField(max_length=59, help_text="of the folder's archive")
    card = models.TextField(help_text="Markdown")
    intended_use = models.TextField()
    warnings = models.TextField()
    approved_by = models.CharField(max_length=200)
    standing = models.CharField(
        max_length=10, choices=Standing, default=Standing.REGISTERED
    )
    registered_at = models.DateTimeField(auto_now_add=True)
    activated_at = models.DateTimeField(
        null=True, blank=True, help_text="for the last time"
    )

    class Meta:
        ordering = ["-registered_at"]
        constraints = [
            models.CheckConstraint(
                condition=Q(standing__in=Standing.values), name="known_standing"
            ),
            models.CheckConstraint(
                condition=Q(weights_sha256__regex=SHA256), name="weights_by_sha256"
            ),
            models.CheckConstraint(
                condition=~Q(standing=Standing.ACTIVE) | Q(activated_at__isnull=False),
                name="active_was_activated",
            ),
            models.UniqueConstraint(
                fields=["standing"],
                condition=Q(standing=Standing.ACTIVE),
                name="one_active_version",
            ),
            models.UniqueConstraint(
                fields=["standing"],
                condition=Q(standing=Standing.SHADOW),
                name="one_version_in_shadow",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def has_graded(self) -> bool:
        """Whether it was ever the active one."""
        return self.activated_at is not None


class ModelStep(models.Model):
    """One thing that was done about a version, written in the act's own transaction.

    Its ledger entry commits to `metadata` under `salt`, and names digest and CID.
    """

    statement_id = models.BinaryField(primary_key=True, max_length=16)
    version = models.ForeignKey(ModelVersion, models.PROTECT, related_name="steps")
    event = models.SmallIntegerField(help_text="of ledger.events.Event")
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
    )
    metadata = models.JSONField(default=dict)
    salt = models.BinaryField(max_length=SALT_BYTES)
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-at"]

    def __str__(self) -> str:
        return f"{Event(self.event).name} {bytes(self.statement_id).hex()[:8]}"

    @property
    def sentence(self) -> str:
        """What happened, in words."""
        return EVENTS[Event(self.event)].sentence

    @property
    def done_by(self) -> str:
        """Who did it; a command is nobody's but the machine's."""
        return str(self.actor or _("Whoever holds the machine"))

    @property
    def reason(self) -> str:
        """Why, in the words of who did it."""
        return str(self.metadata.get("reason", ""))
