"""Pages on which a family says which hospital may read."""

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods

from portal.acting import SignedInRequest
from portal.errors import PortalError
from portal.models import Institution
from records.access import own_patient_or_404
from records.actions.consents import grant_consent, withdraw_consent
from records.forms import ConsentForm
from records.models import Patient
from records.permissions import documents_in_scope


@login_required
@require_http_methods(["GET", "POST"])
def consents(request: SignedInRequest, patient_id: UUID) -> HttpResponse:
    patient = own_patient_or_404(request, patient_id)
    form = ConsentForm(request.POST or None)
    form.fields["institution"].queryset = _to_ask(patient)  # type: ignore[attr-defined]
    if request.method == "POST" and form.is_valid():
        try:
            granted = grant_consent(
                patient=patient,
                institution=form.cleaned_data["institution"],
                until=form.cleaned_data["until"],
                by=request.acting,
            )
        except PortalError as problem:
            form.add_error(None, str(problem))
        else:
            messages.success(
                request, f"{granted.institution} may now read {patient}'s history."
            )
            return redirect("consents", patient.pk)
    context = {
        "patient": patient,
        "form": form,
        "consents": patient.consents.select_related("institution"),
        "scopes": [(i, documents_in_scope(patient, i)) for i in _to_ask(patient)],
    }
    return render(request, "records/consents.html", context)


@login_required
@require_http_methods(["GET", "POST"])
def withdraw(
    request: SignedInRequest, patient_id: UUID, consent_id: int
) -> HttpResponse:
    patient = own_patient_or_404(request, patient_id)
    consent = get_object_or_404(patient.consents, pk=consent_id)
    if request.method == "POST":
        try:
            withdraw_consent(consent=consent, by=request.acting)
            messages.success(
                request, f"{consent.institution} can no longer read the history."
            )
        except PortalError as problem:
            messages.error(request, str(problem))
        return redirect("consents", patient.pk)
    context = {
        "patient": patient,
        "consent": consent,
        "consequences": _consequences(
            consent.institution.name,
            closing=documents_in_scope(patient, consent.institution),
            kept=patient.documents.kept()
            .filter(institution=consent.institution)
            .count(),
        ),
    }
    return render(request, "records/withdraw.html", context)


def _consequences(hospital: str, *, closing: int, kept: int) -> list[str]:
    """What withdrawing does, what it cannot do."""
    loses = _("It can no longer open anything that other hospitals add.")
    if closing:
        loses = ngettext(
            "%(hospital)s can no longer open the %(count)d document that comes from"
            " elsewhere, nor anything that other hospitals add.",
            "%(hospital)s can no longer open the %(count)d documents that come from"
            " elsewhere, nor anything that other hospitals add.",
            closing,
        ) % {"hospital": hospital, "count": closing}
    keeps = _("It has made no document itself, so it will see none.")
    if kept:
        keeps = ngettext(
            "It keeps the %(count)d document it made itself.",
            "It keeps the %(count)d documents it made itself.",
            kept,
        ) % {"count": kept}
    return [
        loses,
        keeps,
        _("What was read before cannot be unread."),
        _("You can allow the hospital again at any time."),
    ]


def _to_ask(patient: Patient) -> QuerySet[Institution]:
    """Hospitals that have the patient in care and may not read yet."""
    allowed = patient.consents.live().values("institution")
    return Institution.objects.filter(
        kind=Institution.Kind.HOSPITAL,
        enrolments__patient=patient,
        enrolments__ended_at=None,
    ).exclude(pk__in=allowed)
