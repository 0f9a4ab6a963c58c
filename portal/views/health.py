"""How the site is, in words, for those who look after it."""

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from ledger.health import checks
from portal.acting import SignedInRequest
from portal.roles import SEE_HEALTH


@login_required
@require_GET
def health(request: SignedInRequest) -> HttpResponse:
    if not request.acting.may(SEE_HEALTH):
        raise Http404
    return render(request, "portal/health.html", {"checks": checks()})
