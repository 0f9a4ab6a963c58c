"""What lies sealed in the content store of a data set."""

import uuid

from django.db import models
from django.utils.translation import gettext_lazy as _

from diagnosis.models.data_set import DataSet
from diagnosis.models.set_run import SetRun
from portal.models import KeyHolder


class SetContent(models.Model):
    """One sealed content; its id is the record id that envelope and wraps bind."""

    class Kind(models.TextChoices):
        """What the content is, and who can open it."""

        UPLOAD = "upload", _("The archive as it came")  # the hospital, until checked
        MANIFEST = "manifest", _("What became of each file")  # the hospital
        IMAGES = "images", _("The desensitised pictures")  # and the service, for a run
        RESULTS = "results", _("The results")  # the hospital
        VALIDATION = "validation", _("The validation report")  # the hospital

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    data_set = models.ForeignKey(DataSet, models.CASCADE, related_name="contents")
    run = models.ForeignKey(
        SetRun, models.CASCADE, null=True, blank=True, related_name="contents"
    )
    kind = models.CharField(max_length=10, choices=Kind)
    cid = models.CharField(max_length=80, help_text="CIDv1 of the sealed bytes")
    sealed_bytes = models.BigIntegerField()
    key_commitment = models.BinaryField(max_length=32)
    statement_id = models.BinaryField(unique=True, max_length=16)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["created_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["data_set", "run", "kind"],
                nulls_distinct=False,
                name="one_content_of_a_kind",
            )
        ]

    def __str__(self) -> str:
        return f"{self.kind} of data set {self.data_set_id}"


class SetWrap(models.Model):
    """A content's data key, wrapped for one holder; deleting it takes that away."""

    content = models.ForeignKey(SetContent, models.CASCADE, related_name="wraps")
    holder = models.ForeignKey(KeyHolder, models.PROTECT, related_name="+")
    key_id = models.BinaryField(max_length=32)
    wrapped_key = models.BinaryField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["content", "holder"], name="one_wrap_per_content_and_holder"
            )
        ]

    def __str__(self) -> str:
        return f"wrap of {self.content_id} for {self.holder_id}"
