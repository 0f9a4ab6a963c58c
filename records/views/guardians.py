"""Pages on which a hospital says who acts for a patient."""

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from portal.acting import SignedInRequest
from portal.errors import Refused
from records.access import patient_or_404
from records.actions.guardians import (
    add_guardian,
    freeze_guardian,
    restore_guardian,
)
from records.actions.majority import hand_over
from records.forms import GuardianForm, PatientForm
from records.models import Guardian
from records.permissions import is_of_age, may_verify_guardians


@login_required
@require_http_methods(["GET", "POST"])
def guardians(request: SignedInRequest, patient_id: UUID) -> HttpResponse:
    patient = patient_or_404(request, patient_id)
    if not may_verify_guardians(request.acting, patient):
        raise Http404
    form = GuardianForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            added = add_guardian(
                patient=patient, **form.cleaned_data, by=request.acting
            )
        except Refused as refusal:
            form.add_error(None, str(refusal))
        else:
            said = _("%(person)s may now act for %(patient)s.")
            messages.success(request, said % {"person": added.user, "patient": patient})
            return redirect("guardians", patient.pk)
    here = request.acting.institution
    context = {
        "patient": patient,
        "form": form,
        "is_of_age": here is not None and is_of_age(patient, here),
        "has_taken_over": patient.guardians.filter(is_patient=True).exists(),
        "guardians": patient.guardians.select_related("user").order_by("since"),
    }
    return render(request, "records/guardians.html", context)


@login_required
@require_http_methods(["GET", "POST"])
def freeze(
    request: SignedInRequest, patient_id: UUID, guardian_id: int
) -> HttpResponse:
    """Keep a guardian from acting, or let them act again; asks once more first."""
    patient = patient_or_404(request, patient_id)
    if not may_verify_guardians(request.acting, patient):
        raise Http404
    guardian = get_object_or_404(
        patient.guardians.select_related("user"), pk=guardian_id
    )
    if request.method == "POST":
        act = restore_guardian if guardian.frozen_at else freeze_guardian
        try:
            act(guardian=guardian, by=request.acting)
            messages.success(request, _("It is done, and on the ledger."))
        except Refused as refusal:
            messages.error(request, str(refusal))
        return redirect("guardians", patient.pk)
    context = {
        "patient": patient,
        "guardian": guardian,
        "consequences": _consequences(guardian),
    }
    return render(request, "records/freeze.html", context)


@login_required
@require_http_methods(["GET", "POST"])
def take_over(request: SignedInRequest, patient_id: UUID) -> HttpResponse:
    """Hand the history over to the patient; says first what that ends."""
    patient = patient_or_404(request, patient_id)
    if not may_verify_guardians(request.acting, patient):
        raise Http404
    form = PatientForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        email = form.cleaned_data["email"]
        try:
            hand_over(patient=patient, email=email, by=request.acting)
        except Refused as refusal:
            form.add_error(None, str(refusal))
        else:
            messages.success(
                request, _("%(name)s acts alone from now on.") % {"name": patient}
            )
            return redirect("guardians", patient.pk)
    context = {
        "patient": patient,
        "form": form,
        "consequences": [
            _("%(name)s sees the whole history, and decides who may read it.")
            % {"name": patient},
            _("The guardians see and decide nothing of it any more."),
            _("What they allowed stays, for the patient to withdraw."),
        ],
    }
    return render(request, "records/hand_over.html", context)


def _consequences(guardian: Guardian) -> list[str]:
    if guardian.frozen_at:
        return [_("They see the whole history again, and decide who may read it.")]
    return [
        _("They no longer see the history, and decide nothing, until you let them."),
        _("What they allowed stays allowed; another guardian can withdraw it."),
        _("The other guardians see that this happened, and who did it."),
    ]
