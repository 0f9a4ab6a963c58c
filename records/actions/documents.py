"""Seals documents into a patient's history and opens them again."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

from django.db import transaction

from ledger.events import Event
from portal.acting import Acting
from portal.errors import Refused
from portal.keys import sealing_key
from portal.models import Institution, User
from portal.row_security import UPKEEP, in_the_name_of
from records.content import content_store
from records.device_rules import check_device_may_send
from records.encryption.envelope import new_data_key, seal
from records.encryption.names import seal_name
from records.encryption.wrapping import key_commitment, wraps_hash
from records.models import Consent, Device, Document, KeyWrap, Patient
from records.opening import unseal
from records.permissions import (
    Relation,
    check_may_add_document,
    check_may_read_document,
    emergency_access,
    opening_holder,
    relation,
)
from records.recording import Happening, Sealing, record
from records.storage.cids import parse_cid
from records.wrapping import wrap_for


@dataclass(frozen=True, kw_only=True)
class NewDocument:
    """A content on its way into a history."""

    kind: Document.Kind
    name: str
    media_type: str
    content: Iterable[bytes]
    about: Document | None = None
    event: Event = Event.DOCUMENT_ADDED
    metadata: Mapping[str, Any] = field(default_factory=dict)
    signed_by: UUID | None = None
    """The holder who signs, where it is not the hospital."""
    readers: frozenset[UUID] = frozenset()
    """Exactly these; none named: the hospital, the patient, every hospital allowed."""


def add_document(
    *,
    patient: Patient,
    institution: Institution,
    new: NewDocument,
    by: Acting | Device | None,
) -> Document:
    """Seal a content into a patient's history.

    Who may: a doctor of a hospital that has the patient in care; a device that was
        enrolled for the patient; the diagnosis service, whose reports have nobody
        (``by=None``) behind them.
    Records: DOCUMENT_ADDED, or the event the caller names, with the content's CID.
    Effects: blocks are stored first (an orphan block is harmless, a row without
        its block is not), then the row, a wrap for each reader and the ledger's
        statement in one transaction.

    Raises:
        Refused: ``by`` may not add to this history; nothing is stored.
        KeyUnavailable: a reader's key cannot be used now; nothing is recorded.
        StoreUnavailable: the content store does not answer; nothing is recorded.
    """
    _check_may_add(by, patient)
    data_key, document_id = new_data_key(), uuid4()
    counted = _Counted(
        seal(new.content, data_key=data_key, record_id=document_id.bytes)
    )
    cid = content_store().put(counted)
    document = Document(
        pk=document_id,
        patient=patient,
        institution=institution,
        kind=new.kind,
        media_type=new.media_type,
        cid=str(cid),
        sealed_bytes=counted.total,
        key_commitment=key_commitment(data_key, document_id.bytes),
        sealed_name=seal_name(new.name, data_key=data_key, record_id=document_id.bytes),
        about=new.about,
        created_by=_person(by),
    )
    _save(document, new, data_key, by)
    return document


def open_document(*, document: Document, acting: Acting) -> bytes:
    """Read a document in somebody's name.

    Who may: whoever the access rule lets read it.
    Records: DOCUMENT_OPENED, visible to the guardian; not for the guardian's own
        reading, which concerns nobody else.

    Raises:
        Refused: the access rule does not let them.
        RecordDamaged: the content is not what the ledger says it is.
        StorageError: a block is missing or damaged, or the store does not answer.
    """
    # Asked before the check: an hour that ends meanwhile is a refusal, not damage.
    emergency = emergency_access(acting, document.patient)
    holder_id = opening_holder(acting, document.patient)
    check_may_read_document(acting, document)
    content = unseal(document, holder_id)
    is_guardian = relation(acting, document.patient) is Relation.GUARDIAN
    if acting.institution and not is_guardian:
        with transaction.atomic():
            record(
                Happening(
                    event=Event.DOCUMENT_OPENED,
                    patient=document.patient,
                    institution=acting.institution,
                    author=acting.institution.holder_id,
                    by=acting.user,
                    document_id=document.pk,
                    metadata={"emergency": emergency.pk} if emergency else {},
                )
            )
    return content


@transaction.atomic
def _save(
    document: Document,
    new: NewDocument,
    data_key: bytes,
    by: Acting | Device | None,
) -> None:
    """Wrap for those who may read at this moment, then keep all of it or nothing."""
    document.patient.hold_readers()
    if new.about and Document.objects.filter(pk=new.about.pk).exclude(erasure=None):
        raise Refused("What this is about has been erased.")
    # Once more: care may have ended while a large file was sealed.
    _check_may_add(by, document.patient)
    wraps = [
        wrap_for(document, holder, sealing_key(holder), data_key)
        for holder in new.readers or _readers(document)
    ]
    pairs = ((bytes(wrap.key_id), bytes(wrap.wrapped_key)) for wrap in wraps)
    document.statement_id = record(
        Happening(
            event=new.event,
            patient=document.patient,
            institution=document.institution,
            author=new.signed_by or document.institution.holder_id,
            by=document.created_by,
            device=by if isinstance(by, Device) else None,
            document_id=document.pk,
            metadata=new.metadata,
            sealing=Sealing(
                cid=bytes(parse_cid(document.cid)),
                wraps_hash=wraps_hash(pairs),
                key_commitment=bytes(document.key_commitment),
            ),
        )
    )
    document.save(force_insert=True)
    KeyWrap.objects.bulk_create(wraps)


def _check_may_add(by: Acting | Device | None, patient: Patient) -> None:
    if isinstance(by, Device):
        check_device_may_send(by, patient)
    elif by is not None:
        check_may_add_document(by, patient)


def _person(by: Acting | Device | None) -> User | None:
    """In whose name it is added: for a device, who enrolled it."""
    if isinstance(by, Device):
        return by.enrolled_by
    return by.user if by else None


def _readers(document: Document) -> set[UUID]:
    """The hospital, the patient and every hospital allowed now."""
    live = Consent.objects.live().filter(patient=document.patient)
    # Which other hospitals the family allows is not shown to who adds.
    with in_the_name_of(UPKEEP):
        consents = list(live.select_related("institution"))
    allowed = (c.institution for c in consents if c.scope.takes_in(document.kind))
    return {
        document.institution.holder_id,
        document.patient.holder_id,
        *(institution.holder_id for institution in allowed),
    }


class _Counted:
    """Counts the bytes that pass."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks = chunks
        self.total = 0

    def __iter__(self) -> Iterator[bytes]:
        for chunk in self._chunks:
            self.total += len(chunk)
            yield chunk
