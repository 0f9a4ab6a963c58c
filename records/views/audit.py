"""The page that says who looked, with the proof of every act."""

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from portal.acting import SignedInRequest
from portal.roles import SEE_ACTS
from records.history import LOOKING, with_proofs
from records.models import Act
from records.permissions import wards

PAGE = 50


@login_required
@require_GET
def audit(request: SignedInRequest) -> HttpResponse:
    """Who read or was allowed to read: for a guardian about their children, for an admin at their hospital."""
    acting = request.acting
    if acting.institution and acting.may(SEE_ACTS):
        acts = Act.objects.filter(institution=acting.institution)
    else:
        acts = Act.objects.filter(patient__in=wards(acting.user), event__in=LOOKING)
    rows = acts.select_related("patient", "institution", "actor", "device", "document")
    page = Paginator(rows, PAGE).get_page(request.GET.get("page"))
    context = {
        "page_obj": page,
        "rows": with_proofs(page),
        "whole_hospital": bool(acting.institution and acting.may(SEE_ACTS)),
    }
    return render(request, "records/audit.html", context)
