"""Pages that say who looked, with the proof of every act."""

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from ledger.history import inclusion, progress
from portal.acting import SignedInRequest
from portal.roles import SEE_ACTS
from records.history import LOOKING, proof_of_act, visible_acts
from records.models import Act
from records.permissions import visible_patients

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
    states = progress(bytes(act.statement_id) for act in page)
    context = {
        "page_obj": page,
        "rows": [(act, states.get(bytes(act.statement_id))) for act in page],
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
    context = {
        "act": act,
        "proof": proof_of_act(act),
        "progress": found,
        "inclusion": inclusion(found.seq) if found and found.seq is not None else None,
    }
    return render(request, "records/proof.html", context)


def _bytes_or_404(text: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError as error:
        raise Http404 from error
