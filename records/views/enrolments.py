"""Pages on which a hospital takes patients in and lets them go."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.forms import Form
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from portal.acting import SignedInRequest
from portal.errors import Refused
from records.actions.patients import (
    NewPatient,
    end_enrolment,
    enrol_patient,
    register_patient,
)
from records.forms import ArrivingPatientForm, NewPatientForm
from records.models import Enrolment
from records.permissions import check_may_enrol


@login_required
@require_http_methods(["GET", "POST"])
def enrol(request: SignedInRequest) -> HttpResponse:
    institution = check_may_enrol(request.acting)
    chosen = request.POST.get("form")
    new = NewPatientForm(request.POST if chosen == "new" else None)
    arriving = ArrivingPatientForm(request.POST if chosen == "arriving" else None)
    for form in (new, arriving):
        if form.is_bound and form.is_valid() and _enrolled(request, form):
            messages.success(request, f"The patient is enrolled at {institution}.")
            return redirect("patients")
    return render(request, "records/enrol.html", {"new": new, "arriving": arriving})


@login_required
@require_http_methods(["GET", "POST"])
def let_go(request: SignedInRequest, enrolment_id: int) -> HttpResponse:
    institution = check_may_enrol(request.acting)
    enrolment = get_object_or_404(
        Enrolment.objects.select_related("patient", "institution"),
        pk=enrolment_id,
        institution=institution,
    )
    if request.method == "POST":
        try:
            end_enrolment(enrolment=enrolment, by=request.acting)
            messages.success(request, "The enrolment has ended.")
        except Refused as refusal:
            messages.error(request, str(refusal))
        return redirect("patients")
    context = {
        "enrolment": enrolment,
        "consequences": _consequences(institution.name),
    }
    return render(request, "records/let_go.html", context)


def _consequences(hospital: str) -> list[str]:
    """What the end of an enrolment does."""
    return [
        _("%(hospital)s keeps the documents it made, and its doctors can open them.")
        % {"hospital": hospital},
        _("It no longer sees anything from other hospitals, and cannot add images."),
        _("The family keeps the whole history."),
        _("With the patient's code, you can enrol the patient again."),
    ]


def _enrolled(request: SignedInRequest, form: Form) -> bool:
    try:
        if isinstance(form, NewPatientForm):
            register_patient(new=NewPatient(**form.cleaned_data), by=request.acting)
        else:
            enrol_patient(**form.cleaned_data, by=request.acting)
    except Refused as refusal:
        form.add_error(None, str(refusal))
        return False
    return True
