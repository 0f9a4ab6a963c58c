"""The proof of one entry, for people in a sentence, for programs as a file."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import QuerySet
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from ledger.errors import LedgerError, NotProvable
from ledger.events import EVENTS, Event
from ledger.history import InclusionProof, Progress, inclusion, progress
from ledger.models import Entry
from ledger.site import origin
from ledger.tlog_proof import TlogProof, format_proof
from portal.acting import Acting, SignedInRequest
from portal.models import Institution
from records.access import own_patient_or_404
from records.history import Proof, proof_of_act, said_of, visible_acts
from records.ledger_rows import may_see_entry, own_acts
from records.models import Act
from records.permissions import visible_patients
from records.proof_bundle import pack_proofs
from records.proof_details import entry_details, tree_details


@dataclass(frozen=True)
class Told:
    """What the portal tells of a statement."""

    statement_id: bytes
    proof: Proof
    sentence: str
    who: str
    where: str
    at: datetime
    about: str
    back_url: str
    back_label: str


@login_required
@require_GET
def proof(request: SignedInRequest, statement_id: str) -> HttpResponse:
    told = _told_or_404(request.acting, _bytes_or_404(statement_id))
    found = progress([told.statement_id]).get(told.statement_id)
    shown, trouble = _inclusion(found)
    if told.proof.state == "broken":
        shown, trouble = None, trouble or told.proof.sentence
    context = {
        "told": told,
        "proof": told.proof,
        "progress": found,
        "inclusion": shown,
        "trouble": trouble,
        "entry_details": entry_details(told.statement_id, found, shown),
        "tree_details": tree_details(shown),
        "path": [sibling.hex() for sibling in shown.path] if shown else [],
    }
    return render(request, "records/proof.html", context)


@login_required
@require_GET
def proof_file(request: SignedInRequest, statement_id: str) -> HttpResponse:
    """The proof as C2SP has it, for any program that checks such files."""
    told = _told_or_404(request.acting, _bytes_or_404(statement_id))
    shown, _trouble = _inclusion(progress([told.statement_id]).get(told.statement_id))
    if shown is None or told.proof.state == "broken":
        raise Http404
    text = format_proof(TlogProof(shown.seq, shown.path, shown.checkpoint))
    name = f"entry-{shown.seq}.tlog-proof"
    return HttpResponse(
        text,
        content_type="text/plain; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


@login_required
@require_GET
def take_along(request: SignedInRequest, patient_id: UUID) -> HttpResponse:
    """Every proof about a child in one file, to be checked far from here."""
    patient = own_patient_or_404(request, patient_id)
    try:
        packed = pack_proofs(request.acting, patient)
    except NotProvable as error:
        messages.info(request, f"{error} {_('Try again in a few seconds.')}")
        return redirect("patient", patient_id)
    except LedgerError as error:
        messages.error(request, _("The ledger is damaged: %(why)s") % {"why": error})
        return redirect("patient", patient_id)
    day = timezone.localdate().isoformat()
    return HttpResponse(
        packed,
        content_type="application/zip",
        headers={
            "Content-Disposition": f'attachment; filename="proofs-{day}.zip"',
        },
    )


def _told_or_404(acting: Acting, statement_id: bytes) -> Told:
    told = _act(acting, statement_id) or _entry(acting, statement_id)
    if told is None:
        raise Http404
    return told


def _act(acting: Acting, statement_id: bytes) -> Told | None:
    act = (
        Act.objects.select_related(
            "patient", "institution", "actor", "device", "document"
        )
        .filter(statement_id=statement_id)
        .first()
    )
    if act is None:
        return None
    is_known = visible_patients(acting).filter(pk=act.patient_id).exists()
    if not (is_known and _sees(visible_acts(acting, act.patient), act)) and not _sees(
        own_acts(acting), act
    ):
        return None
    about = str(act.patient.full_name)
    if act.document:
        about = f"{about}, {act.document.get_kind_display()}"
    return Told(
        statement_id=statement_id,
        proof=proof_of_act(act),
        sentence=act.sentence,
        who=act.done_by,
        where=act.institution.name,
        at=act.at,
        about=about,
        back_url=reverse("patient", args=[act.patient_id])
        if is_known
        else reverse("ledger"),
        back_label=str(act.patient.full_name) if is_known else _("Ledger"),
    )


def _sees(acts: QuerySet[Act], act: Act) -> bool:
    return acts.filter(pk=act.pk).exists()


def _entry(acting: Acting, statement_id: bytes) -> Told | None:
    """An entry that is about no patient."""
    entry = Entry.objects.filter(statement_id=statement_id).first()
    is_act = Act.objects.filter(statement_id=statement_id).exists()
    if entry is None or is_act or not may_see_entry(acting, entry):
        return None
    institution = Institution.objects.filter(pk=entry.tenant).first()
    found = progress([statement_id])[statement_id]
    return Told(
        statement_id=statement_id,
        proof=said_of(found, ""),
        sentence=EVENTS[Event(entry.kind)].sentence,
        who=institution.name if institution else _("This site"),
        where=institution.name if institution else origin(),
        at=entry.sequenced_at,
        about="",
        back_url=reverse("ledger"),
        back_label=_("Ledger"),
    )


def _inclusion(found: Progress | None) -> tuple[InclusionProof | None, str]:
    """The proof of an entry, or the sentence why the log cannot give one."""
    if found is None or found.seq is None:
        return None, ""
    try:
        return inclusion(found.seq), ""
    except NotProvable:
        # The next checkpoint, seconds away, covers it.
        return None, ""
    except LedgerError as error:
        return None, str(error)


def _bytes_or_404(text: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError as error:
        raise Http404 from error
