"""Erases what a hospital made about a patient, when the family asks for it."""

from collections.abc import Iterable
from hashlib import sha256
from uuid import UUID

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from ledger.events import Event
from portal.acting import Acting
from portal.errors import Refused
from portal.models import Institution
from portal.queueing import queue_with_act
from portal.row_security import UPKEEP, in_the_name_of
from records.models import Act, Document, Erasure, KeyWrap, Patient, Received
from records.permissions import check_may_decide_erasure, check_may_manage_consents
from records.recording import Happening, record
from records.retention import due


@transaction.atomic
def ask_erasure(*, patient: Patient, institution: Institution, by: Acting) -> Erasure:
    """Ask a hospital to erase what it made about the patient.

    Who may: whoever acts for the patient.
    Records: ERASURE_ASKED, signed with the patient's key.
    Effects: nothing is erased yet: an admin of the hospital decides.

    Raises:
        Refused: no guardian, nothing there to erase, or it has been asked already.
    """
    check_may_manage_consents(by, patient)
    patient.hold_readers()
    if not patient.documents.kept().filter(institution=institution).exists():
        raise Refused(f"{institution} keeps no document about {patient}.")
    if patient.erasures.filter(institution=institution, decision="").exists():
        raise Refused(f"{institution} has been asked already and has not answered yet.")
    erasure = Erasure.objects.create(
        patient=patient, institution=institution, asked_by=by.user
    )
    _record(erasure, Event.ERASURE_ASKED, by, author=patient.holder_id)
    return erasure


@transaction.atomic
def confirm_erasure(*, erasure: Erasure, by: Acting) -> Erasure:
    """Erase what the hospital need not keep any more.

    Who may: an admin of the hospital that was asked.
    Records: ERASURE_DONE, the receipt, with the hash of the documents' ids.
    Effects: every wrap of their keys and the salts of what was recorded about them are
        destroyed, so that neither content nor ledger says anything of them any more;
        their blocks leave the store. What a retention period still covers stays, and
        may be asked for again when it has ended.

    Raises:
        Refused: no admin there, decided before, everything must still be kept, or
            whoever asked does not act for the patient any more.
    """
    check_may_decide_erasure(by, erasure)
    erasure.patient.hold_readers()
    if not erasure.patient.guardians.acting(erasure.asked_by).exists():
        raise Refused(f"{erasure.asked_by} no longer acts for {erasure.patient}.")
    with in_the_name_of(UPKEEP):  # an admin is shown no wraps
        found = due(erasure)
        if not found.going:
            raise Refused(found.why_nothing)
        documents = _destroy(found.going, erasure)
    _decide(
        erasure,
        by,
        decision=Erasure.Decision.DONE,
        erased=len(found.going),
        kept=len(found.staying),
        kept_until=max(found.staying, default=None),
    )
    _record(erasure, Event.ERASURE_DONE, by, documents=documents)
    queue_with_act("records.tasks.remove_erased")
    return erasure


@transaction.atomic
def refuse_erasure(*, erasure: Erasure, reason: str, by: Acting) -> None:
    """Say why nothing is erased.

    Who may: an admin of the hospital that was asked.
    Records: ERASURE_REFUSED; the family reads the reason.

    Raises:
        Refused: no admin there, decided before, or no reason.
    """
    check_may_decide_erasure(by, erasure)
    if not reason.strip():
        raise Refused("Say why; the family reads it.")
    _decide(erasure, by, decision=Erasure.Decision.REFUSED, reason=reason.strip())
    _record(erasure, Event.ERASURE_REFUSED, by)


def _destroy(documents: list[UUID], erasure: Erasure) -> list[UUID]:
    """Without wraps nobody opens them, without salts the ledger names nobody.

    Returns:
        them, with the copies of them that went to the diagnosis service.
    """
    copies = Q(kind=Document.Kind.SERVICE_COPY, about__in=documents)
    rows = Document.objects.filter(Q(pk__in=documents) | copies, erasure=None)
    going = list(rows.values_list("pk", flat=True))
    KeyWrap.objects.filter(document__in=going).delete()
    Received.objects.filter(document__in=going).delete()
    Act.objects.filter(document__in=going).update(salt=b"")
    Document.objects.filter(pk__in=going).update(erasure=erasure, damage="")
    return going


def _decide(erasure: Erasure, by: Acting, **said: object) -> None:
    changed = Erasure.objects.filter(pk=erasure.pk, decision="").update(
        decided_by=by.user, decided_at=timezone.now(), **said
    )
    if not changed:
        raise Refused("This was decided before.")
    erasure.refresh_from_db()


def _record(
    erasure: Erasure,
    event: Event,
    by: Acting,
    *,
    author: UUID | None = None,
    documents: Iterable[UUID] = (),
) -> None:
    metadata: dict[str, object] = {"erasure": erasure.pk}
    if ids := sorted(pk.bytes for pk in documents):
        # Which they were is told by the rows; that nobody can exchange them, by this.
        metadata["documents"] = sha256(b"".join(ids)).hexdigest()
    record(
        Happening(
            event=event,
            patient=erasure.patient,
            institution=erasure.institution,
            author=author or erasure.institution.holder_id,
            by=by.user,
            metadata=metadata,
        )
    )
