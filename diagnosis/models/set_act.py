"""What happened to a data set, as the portal tells it."""

from django.conf import settings
from django.db import models

from diagnosis.models.data_set import DataSet
from diagnosis.models.set_run import SetRun
from ledger.events import EVENTS, Event
from portal.models import Institution


class SetAct(models.Model):
    """One act about a data set, written in the act's own transaction.

    Its ledger entry is about no patient; it commits to `metadata` under `salt`.
    """

    statement_id = models.BinaryField(primary_key=True, max_length=16)
    event = models.SmallIntegerField(help_text="of ledger.events.Event")
    data_set = models.ForeignKey(DataSet, models.CASCADE, related_name="acts")
    run = models.ForeignKey(
        SetRun, models.CASCADE, null=True, blank=True, related_name="acts"
    )
    author = models.ForeignKey(
        Institution, models.PROTECT, related_name="+", help_text="who signed"
    )
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True
    )
    metadata = models.JSONField(default=dict)
    salt = models.BinaryField()
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["at"]
        indexes = [models.Index(fields=["data_set", "at"])]

    def __str__(self) -> str:
        return f"{Event(self.event).name} {bytes(self.statement_id).hex()[:8]}"

    @property
    def sentence(self) -> str:
        """What happened, in words."""
        return EVENTS[Event(self.event)].sentence
