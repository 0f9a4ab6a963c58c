"""How the site is, in words, for those who look after it."""

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.utils.module_loading import import_string
from django.views.decorators.http import require_GET

from ledger.health import worst_first
from portal.acting import SignedInRequest
from portal.roles import SEE_HEALTH


@login_required
@require_GET
def health(request: SignedInRequest) -> HttpResponse:
    if not request.acting.may(SEE_HEALTH):
        raise Http404
    looked_at = [check for name in settings.HEALTH for check in import_string(name)()]
    return render(request, "portal/health.html", {"checks": worst_first(looked_at)})
