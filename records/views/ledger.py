"""The page about the log: its head for everyone, the entries that concern each."""

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_GET

from ledger.models import Checkpoint, Inbox
from ledger.served_log import cosigned
from ledger.site import origin
from ledger.witnessed import standing
from portal.acting import SignedInRequest
from portal.roles import SEE_HEALTH
from records.ledger_rows import page_for


@login_required
@require_GET
def ledger(request: SignedInRequest) -> HttpResponse:
    acting = request.acting
    page, rows = page_for(acting, request.GET.get("page"))
    latest = Checkpoint.objects.order_by("-size").first()
    stand = standing()
    context = {
        "origin": origin(),
        "checkpoint": latest,
        "note": cosigned(latest) if latest else "",
        "waiting": Inbox.objects.count(),
        "witnesses": stand.of,
        "needed": stand.policy.needed,
        "seen_by": len(stand.seen_by(latest.size - 1)) if latest else 0,
        "keys_url": reverse("keys"),
        "check_url": reverse("checker", args=["check.html"]),
        "page_obj": page,
        "rows": rows,
        "may_see_health": acting.may(SEE_HEALTH),
        "is_guardian": acting.institution is None,
    }
    return render(request, "records/ledger.html", context)
