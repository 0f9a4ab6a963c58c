"""Pages that say who looked, with the proof of every act."""

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from ledger.errors import LedgerError, NotProvable
from ledger.history import InclusionProof, Progress, inclusion, progress
from ledger.site import origin
from portal.acting import SignedInRequest
from portal.roles import SEE_ACTS
from records.history import LOOKING, proof_of_act, visible_acts, with_proofs
from records.models import Act
from records.permissions import visible_patients
from records.proof_details import entry_details, tree_details

PAGE = 50


@login_required
@require_GET
def audit(request: SignedInRequest) -> HttpResponse:
    """Who read or was allowed to read: for a guardian about their children, for an admin at their hospital."""
    acting = request.acting
    if acting.institution and acting.may(SEE_ACTS):
        acts = Act.objects.filter(institution=acting.institution)
    else:
        acts = Act.objects.filter(
            patient__guardians__user=acting.user, event__in=LOOKING
        )
    rows = acts.select_related("patient", "institution", "actor", "document")
    page = Paginator(rows, PAGE).get_page(request.GET.get("page"))
    context = {
        "page_obj": page,
        "rows": with_proofs(page),
        "whole_hospital": bool(acting.institution and acting.may(SEE_ACTS)),
    }
    return render(request, "records/audit.html", context)


@login_required
@require_GET
def proof(request: SignedInRequest, statement_id: str) -> HttpResponse:
    act = (
        Act.objects.select_related("patient", "institution", "actor", "document")
        .filter(
            statement_id=_bytes_or_404(statement_id),
            patient__in=visible_patients(request.acting),
        )
        .first()
    )
    if act is None or not (
        visible_acts(request.acting, act.patient).filter(pk=act.pk).exists()
    ):
        raise Http404
    found = progress([bytes(act.statement_id)]).get(bytes(act.statement_id))
    shown, trouble = _inclusion(found)
    told = proof_of_act(act)
    if told.state == "broken":
        shown, trouble = None, trouble or told.sentence
    context = {
        "act": act,
        "proof": told,
        "progress": found,
        "inclusion": shown,
        "trouble": trouble,
        "origin": origin(),
        "entry_details": entry_details(act, found, shown),
        "tree_details": tree_details(shown),
        "path": [sibling.hex() for sibling in shown.path] if shown else [],
    }
    return render(request, "records/proof.html", context)


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
