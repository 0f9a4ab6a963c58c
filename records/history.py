"""The timeline of a patient, as far as the reader may see it."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from django.db.models import Q, QuerySet
from django.urls import reverse
from django.utils.translation import gettext as _

from ledger.encoding import Statement
from ledger.events import Event
from ledger.history import Progress, progress, statements
from portal.acting import Acting
from records.errors import RecordDamaged
from records.models import Act, Document, Patient
from records.opening import name_of
from records.permissions import (
    DOCTORS,
    Relation,
    opening_holder,
    readable_documents,
    reads_elsewhere,
    relation,
)
from records.proofs import tells_what_was_said

WAY_IN = {Event.PATIENT_ENROLLED, Event.ENROLMENT_ENDED, Event.PATIENT_REGISTERED}
CLINICAL = {
    Event.DOCUMENT_ADDED,
    Event.DOCUMENT_RESEALED,
    Event.GRADE_RECORDED,
    Event.GRADING_FAILED,
    Event.GRADE_ACCEPTED,
    Event.GRADE_OVERRULED,
    Event.GRADE_UNDECIDED,
}
LOOKING = {
    Event.DOCUMENT_OPENED,
    Event.CONSENT_GRANTED,
    Event.CONSENT_WITHDRAWN,
    Event.EMERGENCY_OPENED,
    Event.EMERGENCY_JUSTIFIED,
    Event.EMERGENCY_UNJUSTIFIED,
}


@dataclass(frozen=True)
class Proof:
    """How far an act has come on the ledger, in a sentence."""

    state: str
    sentence: str
    url: str
    witnesses: str = ""  # such as "2 of 3", where enough have cosigned


@dataclass(frozen=True)
class Item:
    """One link of the chain on a timeline."""

    at: datetime
    title: str
    name: str
    where: str
    who: str
    url: str
    proof: Proof


def with_proofs(acts: Iterable[Act]) -> list[tuple[Act, Proof]]:
    """Each act with how far it has come on the ledger, in four queries for all.

    An act whose row is not what its statement committed to is broken.
    """
    page = [(bytes(act.statement_id), act) for act in acts]
    states = progress(statement_id for statement_id, _act in page)
    said = statements(statement_id for statement_id, _act in page)
    return [(act, _proof(act, states.get(key), said.get(key))) for key, act in page]


def visible_acts(acting: Acting, patient: Patient) -> QuerySet[Act]:
    """What the person may know to have happened.

    Guardians see everything; doctors what concerns the documents they may open;
    admins who did what at their own hospital.
    """
    held, acts = relation(acting, patient), patient.acts.all()
    if held is Relation.GUARDIAN:
        return acts
    if held in DOCTORS:
        readable = readable_documents(acting, patient).values("pk")
        here = Q(institution=acting.institution)
        clinical = Q(event__in=CLINICAL, document__in=readable)
        if not reads_elsewhere(acting, patient):
            clinical &= here
        return acts.filter(clinical | Q(event__in=WAY_IN) & here)
    if held is Relation.HOSPITAL_ADMIN:
        return acts.filter(institution=acting.institution)
    return acts.none()


def happenings(acting: Acting, patient: Patient) -> QuerySet[Act]:
    """`visible_acts` without the readings, which would drown what they read."""
    return visible_acts(acting, patient).exclude(event=Event.DOCUMENT_OPENED)


def last_readers(acting: Acting, patient: Patient) -> QuerySet[Act]:
    """The last reading of each person who read, the newest first; for guardians."""
    if relation(acting, patient) is not Relation.GUARDIAN:
        return Act.objects.none()
    latest = (
        patient.acts.filter(event=Event.DOCUMENT_OPENED)
        .order_by("actor", "-at")
        .distinct("actor")
    )
    return Act.objects.filter(pk__in=latest.values("pk")).select_related(
        "actor", "institution"
    )


def timeline(acting: Acting, patient: Patient, acts: Iterable[Act]) -> list[Item]:
    """The acts as links of the chain: a constant number of queries for a page.

    Args:
        acting: the reader.
        patient: about whom.
        acts: one page of `visible_acts`.
    """
    page = list(acts)
    names = _names(acting, patient, page)
    guardians = {g.user_id for g in patient.guardians.all()}
    return [_item(act, proof, names, guardians) for act, proof in with_proofs(page)]


def name_for(acting: Acting, document: Document) -> str:
    """The document's own name, if the reader holds its key."""
    return name_of(document, opening_holder(acting, document.patient))


def added_by(document: Document) -> str:
    """Who added it, in words; the device, where one did."""
    sent = document.acts.exclude(device=None).select_related("actor", "device").first()
    return sent.done_by if sent else str(document.created_by)


def proof_of(document: Document) -> Proof:
    """How far the act that sealed the document has come on the ledger."""
    return proof_of_act(Act.objects.get(statement_id=document.statement_id))


def proof_of_act(act: Act) -> Proof:
    """How far an act's statement has come on the ledger."""
    return with_proofs([act])[0][1]


def _names(acting: Acting, patient: Patient, page: list[Act]) -> dict[object, str]:
    """By document that the reader may open: the name of the image it is, or is about."""
    wanted = {act.document_id for act in page if act.document_id}
    readable = readable_documents(acting, patient).filter(pk__in=wanted)
    reader = opening_holder(acting, patient)
    return {
        document.pk: _shown_name(document, reader)
        for document in readable.select_related("about").prefetch_related(
            "wraps", "about__wraps"
        )
    }


def _shown_name(document: Document, reader: UUID) -> str:
    image = document.about or document
    if not any(wrap.holder_id == reader for wrap in image.wraps.all()):
        return ""
    try:
        return name_of(image, reader)
    except RecordDamaged:
        # One damaged row must not close the whole history; opening it says why.
        return _("a document whose name does not open")


def _item(
    act: Act,
    proof: Proof,
    names: dict[object, str],
    guardians: set[int],
) -> Item:
    url = ""
    if act.document_id in names:
        url = reverse("document", args=[act.document_id])
    return Item(
        at=act.at,
        title=_title(act),
        name=names.get(act.document_id, ""),
        where=act.institution.name,
        who=_who(act, guardians),
        url=url,
        proof=proof,
    )


def _title(act: Act) -> str:
    """The event's sentence; for an image, what was added is said."""
    kind = act.document.kind if act.document else None
    if act.event == Event.DOCUMENT_ADDED and kind == Document.Kind.IMAGE:
        return _("An ultrasound image was added.")
    return act.sentence


def _who(act: Act, guardians: set[int]) -> str:
    if act.actor_id in guardians and not act.device_id:
        return _("%(name)s, guardian") % {"name": act.done_by}
    return act.done_by


def _proof(act: Act, found: Progress | None, said: Statement | None) -> Proof:
    url = reverse("proof", args=[bytes(act.statement_id).hex()])
    if found is None or said is None:
        return Proof("broken", _("The ledger does not know this act."), url)
    if not act.salt:
        told = said_of(found, url)
        sentence = _("Erased: the entry stays, and says nothing of anybody any more.")
        return replace(told, sentence=sentence)
    if not tells_what_was_said(act, said):
        sentence = _("What is told here is not what the ledger holds of this act.")
        return Proof("broken", sentence, url)
    return said_of(found, url)


def said_of(found: Progress, url: str) -> Proof:
    """How far a statement has come, in a sentence that a parent understands."""
    if found.seq is None:
        return Proof(
            "accepted", _("Accepted; it enters the chain within seconds."), url
        )
    of = {"seq": found.seq, "witnesses": found.witnesses, "of": found.of}
    if found.state == "witnessed":
        sentence = _(
            "Entry %(seq)s of the ledger. %(witnesses)s of %(of)s witnesses have signed"
            " that they saw it: nobody can change it without them noticing."
        )
        witnesses = _("%(witnesses)s of %(of)s") % of
        return Proof("witnessed", sentence % of, url, witnesses)
    sentence = _("Entry %(seq)s of the ledger: changing it would break the chain.")
    if found.of:
        sentence = _(
            "Entry %(seq)s of the ledger: changing it would break the chain. %(witnesses)s"
            " of %(of)s witnesses have signed that they saw it; more are asked."
        )
    return Proof("sequenced", sentence % of, url)
