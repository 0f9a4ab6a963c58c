"""Seals documents anew whose data key somebody may know."""

from django.db import transaction
from django.utils import timezone

from ledger.events import Event
from portal.errors import Refused
from portal.keys import sealing_key
from records.content import content_store
from records.encryption.envelope import new_data_key, seal
from records.encryption.names import seal_name
from records.encryption.wrapping import key_commitment, wraps_hash
from records.models import Document
from records.opening import name_of, unseal
from records.recording import Happening, Sealing, record
from records.rewrapping import put_in_place_of
from records.storage.cids import parse_cid
from records.wrapping import wrap_for


def reseal_document(*, document: Document) -> None:
    """Encrypt a document again under a new data key.

    Who may: whoever holds the machine.
    Records: DOCUMENT_RESEALED with the new CID, signed by the hospital that made the
        document; it names the statement that it replaces.
    Effects: opened with the patient's key; the new blocks are put first. Then, in one
        transaction, the row points to them and every wrap is replaced by one of the
        new key: exactly those who could read still can. The old blocks stay, for those
        who are just reading them, until `remove_replaced_blocks`.

    Raises:
        Refused: a copy for the diagnosis service, which is left alone; or somebody
            else sealed it anew at the same time.
        RecordDamaged: it does not open; nothing changed.
        KeyUnavailable, StorageError: nothing changed.
    """
    if document.kind == Document.Kind.SERVICE_COPY:
        raise Refused("Copies for the diagnosis service are not sealed anew.")
    remove_replaced_blocks(document=document)
    content = unseal(document, document.patient.holder_id)
    data_key = new_data_key()
    sealed = list(seal([content], data_key=data_key, record_id=document.pk.bytes))
    cid = content_store().put(sealed)
    _replace(document, data_key, str(cid), sum(map(len, sealed)))
    document.refresh_from_db()


def remove_replaced_blocks(*, document: Document) -> None:
    """Take what a document was before it was sealed anew out of the store.

    Who may: whoever holds the machine.
    Records: nothing; the sealing is recorded.

    Raises:
        StorageError: the store does not answer; call it again.
    """
    if document.replaced_cid:
        content_store().remove(parse_cid(document.replaced_cid))
        # Only if nobody sealed it anew meanwhile.
        replaced = Document.objects.filter(
            pk=document.pk, replaced_cid=document.replaced_cid
        )
        replaced.update(replaced_cid="")
        document.replaced_cid = ""


@transaction.atomic
def _replace(document: Document, data_key: bytes, cid: str, length: int) -> None:
    """Let row, wraps and ledger say the new content, or none of them."""
    document.patient.hold_readers()
    row = Document.objects.select_for_update(no_key=True).get(pk=document.pk)
    if row.erasure_id:
        raise Refused("This document was erased meanwhile.")
    if row.cid != document.cid:
        raise Refused("Somebody else sealed this document anew just now.")
    name = name_of(row, row.patient.holder_id)
    old = list(row.wraps.select_for_update())
    new = [
        wrap_for(row, wrap.holder_id, sealing_key(wrap.holder_id), data_key)
        for wrap in old
    ]
    row.replaced_cid, row.cid, row.sealed_bytes = row.cid, cid, length
    row.key_commitment = key_commitment(data_key, row.pk.bytes)
    row.sealed_name = seal_name(name, data_key=data_key, record_id=row.pk.bytes)
    row.resealed_at = timezone.now()
    row.scrubbed_at, row.damage = None, ""
    pairs = ((bytes(wrap.key_id), bytes(wrap.wrapped_key)) for wrap in new)
    row.statement_id = record(
        Happening(
            event=Event.DOCUMENT_RESEALED,
            patient=row.patient,
            institution=row.institution,
            author=row.institution.holder_id,
            by=None,
            document_id=row.pk,
            metadata={"replaces": bytes(row.statement_id).hex()},
            sealing=Sealing(
                cid=bytes(parse_cid(cid)),
                wraps_hash=wraps_hash(pairs),
                key_commitment=row.key_commitment,
            ),
        )
    )
    row.save()
    for before, after in zip(old, new, strict=True):
        put_in_place_of(before, after)
