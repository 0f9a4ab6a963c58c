"""Wraps a document's data key for one more holder."""

from uuid import UUID

from portal.keys import SealingKey
from records.encryption.wrapping import wrap_key
from records.models import Document, KeyWrap


def wrap_for(
    document: Document, holder_id: UUID, key: SealingKey, data_key: bytes
) -> KeyWrap:
    """An unsaved wrap of the data key."""
    wrapped = wrap_key(
        data_key,
        public_key=key.public_key,
        record_id=document.pk.bytes,
        recipient_key_id=key.key_id,
    )
    return KeyWrap(
        document=document,
        holder_id=holder_id,
        key_id=key.key_id,
        wrapped_key=wrapped,
    )
