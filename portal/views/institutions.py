"""The institutions of this site, for the platform's admin."""

from django.contrib.auth.decorators import login_required
from django.db.models import Count
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from portal.acting import SignedInRequest
from portal.models import Institution
from portal.roles import MANAGE_INSTITUTIONS


@login_required
@require_GET
def institutions(request: SignedInRequest) -> HttpResponse:
    if not request.acting.may(MANAGE_INSTITUTIONS):
        raise Http404
    rows = Institution.objects.annotate(people=Count("memberships"))
    return render(request, "portal/institutions.html", {"institutions": rows})
