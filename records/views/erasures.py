"""Pages on which a family asks for erasure, and a hospital answers."""

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_http_methods

from ledger.events import Event
from portal.acting import SignedInRequest
from portal.errors import Refused
from portal.models import Institution
from portal.roles import DECIDE_ERASURES
from records.access import own_patient_or_404
from records.actions.erasure import (
    ask_erasure,
    confirm_erasure,
    refuse_erasure,
)
from records.forms import AskErasureForm, RefuseErasureForm
from records.history import proof_of_act
from records.models import Act, Document, Erasure
from records.retention import due

PAGE = 50


@login_required
@require_http_methods(["GET", "POST"])
def erasure(request: SignedInRequest, patient_id: UUID) -> HttpResponse:
    """What was asked of which hospital, its answers, the form that asks one more."""
    patient = own_patient_or_404(request, patient_id)
    form = AskErasureForm(request.POST or None)
    made = patient.documents.kept().order_by().values("institution")
    asked = patient.erasures.filter(decision="").values("institution")
    to_ask = Institution.objects.filter(pk__in=made).exclude(pk__in=asked)
    form.fields["institution"].queryset = to_ask  # type: ignore[attr-defined]
    if request.method == "POST" and form.is_valid():
        institution = form.cleaned_data["institution"]
        try:
            ask_erasure(patient=patient, institution=institution, by=request.acting)
        except Refused as refusal:
            form.add_error(None, str(refusal))
        else:
            said = _("%(hospital)s is asked; its answer appears here.")
            messages.success(request, said % {"hospital": institution})
            return redirect("erasure", patient.pk)
    context = {
        "patient": patient,
        "form": form,
        "may_ask": to_ask.exists(),
        "erasures": patient.erasures.select_related("institution", "decided_by"),
    }
    return render(request, "records/erasure.html", context)


@login_required
@require_GET
def receipt(
    request: SignedInRequest, patient_id: UUID, erasure_id: int
) -> HttpResponse:
    """What was erased, by whom, with the ledger's entry that says so."""
    patient = own_patient_or_404(request, patient_id)
    found = get_object_or_404(
        patient.erasures.select_related("institution", "decided_by"),
        pk=erasure_id,
        decision=Erasure.Decision.DONE,
    )
    act = Act.objects.get(
        patient=patient, event=Event.ERASURE_DONE, metadata__erasure=found.pk
    )
    context = {
        "patient": patient,
        "erasure": found,
        "documents": found.documents.exclude(kind=Document.Kind.SERVICE_COPY),
        "proof": proof_of_act(act),
    }
    return render(request, "records/receipt.html", context)


@login_required
@require_GET
def erasures(request: SignedInRequest) -> HttpResponse:
    """What families have asked of the hospital, the open ones first."""
    rows = _asked_here(request).select_related("patient", "asked_by", "decided_by")
    page = Paginator(rows.order_by("decision", "-asked_at"), PAGE)
    context = {"page_obj": page.get_page(request.GET.get("page"))}
    return render(request, "records/erasures.html", context)


@login_required
@require_http_methods(["GET", "POST"])
def decide(request: SignedInRequest, erasure_id: int) -> HttpResponse:
    """Shows what would go and what must stay, then erases it or says why not."""
    found = get_object_or_404(
        _asked_here(request).select_related("patient", "institution", "asked_by"),
        pk=erasure_id,
    )
    form = RefuseErasureForm(request.POST if "refuse" in request.POST else None)
    if request.method == "POST" and ("erase" in request.POST or form.is_valid()):
        try:
            if form.is_bound:
                reason = form.cleaned_data["reason"]
                refuse_erasure(erasure=found, reason=reason, by=request.acting)
                messages.success(request, _("The family reads your reason."))
            else:
                done = confirm_erasure(erasure=found, by=request.acting)
                messages.success(request, _erased(done.erased))
        except Refused as refusal:
            messages.error(request, str(refusal))
        return redirect("erasures")
    may_erase, consequences = _consequences(found)
    context = {
        "erasure": found,
        "form": form,
        "may_erase": may_erase,
        "consequences": consequences,
    }
    return render(request, "records/decide.html", context)


def _asked_here(request: SignedInRequest) -> QuerySet[Erasure]:
    if not request.acting.may(DECIDE_ERASURES):
        raise Http404
    return Erasure.objects.filter(institution=request.acting.institution)


def _consequences(erasure: Erasure) -> tuple[bool, list[str]]:
    """Whether something may go now; what would go and what would stay, until when."""
    found = due(erasure)
    going, staying = len(found.going), found.staying
    said = []
    if going:
        text = ngettext(
            "%(count)d document becomes unreadable for everybody, the family included.",
            "%(count)d documents become unreadable for everybody, the family included.",
            going,
        )
        said.append(text % {"count": going})
    if staying:
        text = ngettext(
            "%(count)d stays: your hospital keeps it for %(years)d years, until %(day)s.",
            "%(count)d stay: your hospital keeps them for %(years)d years, the last"
            " until %(day)s.",
            len(staying),
        )
        day = date_format(max(staying), "j F Y")
        years = found.hospital.retention_years
        said.append(text % {"count": len(staying), "years": years, "day": day})
    if going:
        said.append(
            _("The ledger keeps its entries, which name nobody without what goes.")
        )
        said.append(_("This cannot be undone."))
    return bool(going), said


def _erased(count: int) -> str:
    text = ngettext(
        "%(count)d document is erased; the receipt is on the ledger.",
        "%(count)d documents are erased; the receipt is on the ledger.",
        count,
    )
    return text % {"count": count}
