"""A document's data key, wrapped for one holder."""

from django.db import models

from portal.models import KeyHolder
from records.models.document import Document


class KeyWrap(models.Model):
    """What lets one holder open one document; deleting it takes that away.

    Wraps lie here, not in the content store: what IPFS holds cannot be recalled.
    """

    document = models.ForeignKey(Document, models.CASCADE, related_name="wraps")
    holder = models.ForeignKey(KeyHolder, models.CASCADE, related_name="wraps")
    key_id = models.BinaryField(max_length=32)
    wrapped_key = models.BinaryField()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["document", "holder"], name="one_wrap_per_document_and_holder"
            )
        ]

    def __str__(self) -> str:
        return f"wrap of {self.document_id} for {self.holder_id}"
