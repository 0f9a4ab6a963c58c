"""Lets a hospital read a history, or no longer."""

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import QuerySet, Value
from django.db.models.functions import Least
from django.utils import timezone

from ledger.events import Event
from portal.acting import Acting
from portal.errors import Refused
from portal.keys import sealing_key
from portal.models import Institution
from portal.row_security import UPKEEP, in_the_name_of
from records.encryption.wrapping import granted_hash, wraps_hash
from records.errors import RecordDamaged
from records.models import Consent, KeyWrap, Patient
from records.opening import data_key_in
from records.permissions import check_may_manage_consents, opened_by
from records.recording import Happening, Sealing, record
from records.scope import EVERYTHING, Purpose, Scope
from records.wrapping import wrap_for


@dataclass(frozen=True, kw_only=True)
class NewConsent:
    """What a family is about to allow."""

    institution: Institution
    until: datetime
    scope: Scope = EVERYTHING
    purpose: Purpose = Purpose.TREATMENT


@transaction.atomic
def grant_consent(*, patient: Patient, new: NewConsent, by: Acting) -> Consent:
    """Let a hospital read a history, or a part of it, until a moment.

    Who may: a guardian of the patient.
    Records: CONSENT_GRANTED with scope and purpose, signed with the patient's key.
    Effects: each data key in scope is unwrapped with the patient's key and wrapped
        for the hospital; nothing is re-encrypted, no block moves. Documents that are
        added later, and are in scope, are wrapped when they are added.

    Raises:
        Refused: no guardian, the moment has passed, the hospital does not have the
            patient in care, it may read already, or a document is not the patient's.
        KeyUnavailable: a key cannot be used now; nothing changed.
        RecordDamaged: a document's key does not open; nothing changed.
    """
    check_may_manage_consents(by, patient)
    patient.hold_readers()
    institution, scope = new.institution, new.scope
    if new.until <= timezone.now():
        raise Refused("Choose a day that is still to come.")
    if not patient.enrolments.filter(institution=institution, ended_at=None).exists():
        raise Refused(f"{institution} does not have {patient} in its care.")
    _close_expired(patient, institution)
    if patient.consents.filter(institution=institution, closed_at=None).exists():
        raise Refused(f"{institution} may already read this history.")
    if patient.documents.kept().filter(pk__in=scope.documents).count() != len(
        scope.documents
    ):
        raise Refused("One of these documents is not part of this history.")
    consent = Consent.objects.create(
        patient=patient,
        institution=institution,
        granted_by=by.user,
        extent=scope.extent,
        kind=scope.kind,
        documents=sorted(scope.documents),
        purpose=new.purpose,
        until=new.until,
    )
    wraps = KeyWrap.objects.bulk_create(_wraps_for(patient, institution, scope))
    _record(consent, Event.CONSENT_GRANTED, by, wraps)
    return consent


@transaction.atomic
def withdraw_consent(*, consent: Consent, by: Acting) -> None:
    """Take a hospital's permission to read back.

    Who may: a guardian of the patient.
    Records: CONSENT_WITHDRAWN, signed with the patient's key.
    Effects: the hospital's wraps are deleted, but for what it made itself.

    Raises:
        Refused: no guardian, or it was withdrawn before.
    """
    check_may_manage_consents(by, consent.patient)
    consent.patient.hold_readers()
    changed = Consent.objects.filter(pk=consent.pk, closed_at=None).update(
        closed_at=timezone.now()
    )
    if not changed:
        raise Refused("This permission was withdrawn before.")
    _foreign_wraps(consent.patient, consent.institution).delete()
    _record(consent, Event.CONSENT_WITHDRAWN, by, [])


def end_reading(*, patient: Patient, institution: Institution) -> None:
    """Close what a hospital was allowed, because its care of the patient ends.

    Who may: `end_enrolment`, in its transaction.
    Records: nothing of its own; the end of the care is recorded.
    Effects: the hospital's wraps are deleted, but for what it made itself. Should
        the patient come back, the guardian decides anew.
    """
    patient.hold_readers()
    now = timezone.now()
    open_now = patient.consents.filter(institution=institution, closed_at=None)
    # Its end comes with it: nobody withdrew it, and the family's page says so.
    open_now.update(closed_at=now, until=Least("until", Value(now)))
    # An admin, who may end the care, is shown no wraps.
    with in_the_name_of(UPKEEP):
        _foreign_wraps(patient, institution).delete()


def _close_expired(patient: Patient, institution: Institution) -> None:
    """An expired permission makes room for a new one; its wraps go."""
    expired = patient.consents.filter(
        institution=institution, closed_at=None, until__lte=timezone.now()
    )
    if expired.update(closed_at=timezone.now()):
        _foreign_wraps(patient, institution).delete()


def _foreign_wraps(patient: Patient, institution: Institution) -> QuerySet[KeyWrap]:
    return KeyWrap.objects.filter(
        document__patient=patient, holder_id=institution.holder_id
    ).exclude(document__institution=institution)


def _wraps_for(
    patient: Patient, institution: Institution, scope: Scope
) -> list[KeyWrap]:
    key = sealing_key(institution.holder_id)
    documents = opened_by(scope, patient, institution).exclude(
        wraps__holder_id=institution.holder_id
    )
    held = KeyWrap.objects.filter(
        holder_id=patient.holder_id, document__in=documents
    ).select_related("document")
    if len(held) != documents.count():
        raise RecordDamaged("The patient's key of a document is not there.")
    return [
        wrap_for(wrap.document, institution.holder_id, key, data_key_in(wrap))
        for wrap in held
    ]


def _record(consent: Consent, event: Event, by: Acting, wraps: list[KeyWrap]) -> None:
    sealing = Sealing()
    if wraps:
        hashes = (
            (w.document_id.bytes, wraps_hash([(bytes(w.key_id), bytes(w.wrapped_key))]))
            for w in wraps
        )
        sealing = Sealing(wraps_hash=granted_hash(hashes))
    record(
        Happening(
            event=event,
            patient=consent.patient,
            institution=consent.institution,
            author=consent.patient.holder_id,
            by=by.user,
            metadata={
                "consent": consent.pk,
                "extent": consent.extent,
                "kind": consent.kind,
                "purpose": consent.purpose,
                "documents": len(wraps),
            },
            sealing=sealing,
        )
    )
