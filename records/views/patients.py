"""Pages that list patients and show one history."""

from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.db.models import F, Q, QuerySet
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from portal.acting import Acting, SignedInRequest
from portal.models import Institution
from portal.roles import ENROL, OPEN_EMERGENCY, READ_CONTENT, SEE_ACTS
from portal.sealed_fields import blind_indexes
from records.access import patient_or_404
from records.forms import NarrowingForm
from records.history import happenings, last_readers, timeline
from records.models import EmergencyAccess, Enrolment, Patient
from records.permissions import (
    Relation,
    emergency_access,
    live_consent,
    may_add_document,
    may_manage_consents,
    may_verify_guardians,
    relation,
    visible_enrolments,
    wards,
)
from records.scope import Extent

PAGE = 50


@login_required
@require_GET
def patients(request: SignedInRequest) -> HttpResponse:
    """The patients in the care of the hospital acted for, and those who left."""
    acting = request.acting
    if not (acting.may(READ_CONTENT) or acting.may(SEE_ACTS)):
        raise Http404
    rows = Enrolment.objects.filter(institution=acting.institution)
    if asked := request.GET.get("q", "").strip():
        rows = rows.filter(
            Q(number_index__in=blind_indexes(asked, purpose="hospital number"))
            | Q(patient__code_index__in=blind_indexes(asked, purpose="patient code"))
            | Q(patient__name_index__in=blind_indexes(asked, purpose="patient name"))
        )
    in_care_first = F("ended_at").desc(nulls_first=True)
    ordered = rows.select_related("patient").order_by(in_care_first, "-started_at")
    context = {
        "page_obj": Paginator(ordered, PAGE).get_page(request.GET.get("page")),
        "q": asked,
        "may_open": acting.may(READ_CONTENT),
        "may_enrol": acting.may(ENROL),
    }
    return render(request, "records/patients.html", context)


@login_required
@require_GET
def family(request: SignedInRequest) -> HttpResponse:
    """The children of a guardian."""
    children = wards(request.acting.user).prefetch_related("enrolments__institution")
    return render(request, "records/family.html", {"children": children})


@login_required
@require_GET
def patient(request: SignedInRequest, patient_id: UUID) -> HttpResponse:
    found = patient_or_404(request, patient_id)
    form = NarrowingForm(request.GET or None)
    known = happenings(request.acting, found)
    form.fields["hospital"].queryset = Institution.objects.filter(  # type: ignore[attr-defined]
        pk__in=known.order_by().values("institution")
    )
    narrowing = form.narrowing()
    acts = narrowing.of(known).select_related(
        "institution", "actor", "device", "document"
    )
    page = Paginator(acts, PAGE).get_page(request.GET.get("page"))
    enrolments = visible_enrolments(request.acting, found)
    context = {
        "patient": found,
        "relation": relation(request.acting, found),
        "emergency": emergency_access(request.acting, found),
        "may_open_emergency": _may_open_emergency(request.acting, found),
        "emergencies": _emergencies(request.acting, found),
        "items": timeline(request.acting, found, page.object_list),
        "page_obj": page,
        "form": form,
        "is_narrowed": bool(narrowing),
        "enrolments": enrolments.select_related("institution").order_by("-started_at"),
        "readers": last_readers(request.acting, found)[:5],
        "may_add": may_add_document(request.acting, found),
        "may_verify_guardians": may_verify_guardians(request.acting, found),
        "may_manage_consents": may_manage_consents(request.acting, found),
    }
    return render(request, "records/patient.html", context)


def _may_open_emergency(acting: Acting, patient: Patient) -> bool:
    """Whether there is something that an emergency access would open."""
    if not acting.may(OPEN_EMERGENCY) or emergency_access(acting, patient):
        return False
    held, institution = relation(acting, patient), acting.institution
    if held is Relation.ALLOWED_DOCTOR and institution:
        consent = live_consent(patient, institution)
        return consent is not None and consent.extent != Extent.EVERYTHING
    return held in {Relation.OWN_DOCTOR, Relation.FORMER_DOCTOR}


def _emergencies(acting: Acting, patient: Patient) -> QuerySet[EmergencyAccess]:
    """Those of the patient, for whoever acts for the patient."""
    if not may_manage_consents(acting, patient):
        return EmergencyAccess.objects.none()
    return patient.emergencies.select_related("doctor", "institution", "reviewed_by")
