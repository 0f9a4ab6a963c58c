"""Pages on which a history is opened in an emergency, and the opening judged."""

from uuid import UUID

from allauth.core import ratelimit
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.db.models import F, QuerySet
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from portal.acting import SignedInRequest
from portal.errors import Refused
from portal.roles import OPEN_EMERGENCY, REVIEW_EMERGENCIES
from records.access import patient_in_emergency, patient_or_404
from records.actions.emergencies import (
    open_emergency,
    review_emergency,
)
from records.forms import EmergencyForm, KnownPatientEmergencyForm, ReviewForm
from records.models import EmergencyAccess, Patient

PAGE = 50


@login_required
@require_http_methods(["GET", "POST"])
def emergency(request: SignedInRequest, patient_id: UUID | None = None) -> HttpResponse:
    """Ask for reason and password; for a patient the hospital does not know, who it is."""
    if not request.acting.may(OPEN_EMERGENCY):
        raise Http404
    known = patient_or_404(request, patient_id) if patient_id else None
    kind = KnownPatientEmergencyForm if known else EmergencyForm
    form = kind(request.POST or None)
    if request.method == "POST" and form.is_valid():
        patient = _opened(request, known, form)
        if patient:
            messages.warning(
                request,
                _(
                    "The history is open to you for an hour. The family and your admin are told."
                ),
            )
            return redirect("patient", patient.pk)
    context = {"form": form, "patient": known}
    return render(request, "records/emergency.html", context)


@login_required
@require_GET
def emergencies(request: SignedInRequest) -> HttpResponse:
    """The accesses of a hospital's doctors, those that wait for a word first."""
    rows = _to_review(request).select_related("patient", "doctor", "reviewed_by")
    ordered = rows.order_by(F("reviewed_at").asc(nulls_first=True), "-opened_at")
    page = Paginator(ordered, PAGE).get_page(request.GET.get("page"))
    return render(request, "records/emergencies.html", {"page_obj": page})


@login_required
@require_http_methods(["GET", "POST"])
def review(request: SignedInRequest, access_id: int) -> HttpResponse:
    access = get_object_or_404(
        _to_review(request).select_related("patient", "doctor", "institution"),
        pk=access_id,
    )
    form = ReviewForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            review_emergency(
                access=access,
                is_justified=form.cleaned_data["verdict"] == "justified",
                note=form.cleaned_data["note"],
                by=request.acting,
            )
        except Refused as refusal:
            form.add_error(None, str(refusal))
        else:
            messages.success(request, _("Your word is kept; the family sees it."))
            return redirect("emergencies")
    return render(request, "records/review.html", {"access": access, "form": form})


def _opened(
    request: SignedInRequest, known: Patient | None, form: KnownPatientEmergencyForm
) -> Patient | None:
    """The patient whose history is open now; None, with the reason in the form."""
    given = form.cleaned_data
    if not ratelimit.consume(request, action="reauthenticate", user=request.user):
        form.add_error("password", _("Too many attempts. Wait a minute."))
        return None
    if not request.acting.user.check_password(given["password"]):
        form.add_error("password", _("This is not your password."))
        return None
    try:
        patient = known or patient_in_emergency(
            request.acting,
            code=given["code"],
            full_name=given["full_name"],
            born=given["birth_date"],
        )
        open_emergency(patient=patient, reason=given["reason"], by=request.acting)
    except Refused as refusal:
        form.add_error(None, str(refusal))
        return None
    return patient


def _to_review(request: SignedInRequest) -> QuerySet[EmergencyAccess]:
    if not request.acting.may(REVIEW_EMERGENCIES):
        raise Http404
    return EmergencyAccess.objects.filter(institution=request.acting.institution)
