"""Leads everyone to the first page that concerns them."""

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_GET, require_POST

from portal.acting import SESSION_KEY, SignedInRequest
from portal.context_processors import shell


@login_required
@require_GET
def home(request: SignedInRequest) -> HttpResponse:
    return redirect(shell(request)["places"][0].url)


@login_required
@require_POST
def switch_institution(request: SignedInRequest) -> HttpResponse:
    own = request.acting.user.memberships.values_list("institution_id", flat=True)
    chosen = request.POST.get("institution") or ""
    if chosen not in {str(number) for number in own}:
        raise Http404
    request.session[SESSION_KEY] = int(chosen)
    return redirect("home")


@require_GET
def alive(request: HttpRequest) -> HttpResponse:
    """Says that the web process answers; asks nothing of the database."""
    return JsonResponse({"alive": True})
