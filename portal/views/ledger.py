"""The page about the log: its head for everyone, its entries for their own hospital."""

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from ledger.events import EVENTS, Event
from ledger.models import Checkpoint, Entry, Inbox
from ledger.site import origin
from portal.acting import SignedInRequest

PAGE = 50


@login_required
@require_GET
def ledger(request: SignedInRequest) -> HttpResponse:
    institution = request.acting.institution
    own = Entry.objects.filter(tenant=institution.pk if institution else 0)
    page = Paginator(own.order_by("-seq"), PAGE).get_page(request.GET.get("page"))
    context = {
        "origin": origin(),
        "checkpoint": Checkpoint.objects.order_by("-size").first(),
        "waiting": Inbox.objects.count(),
        "page_obj": page,
        "rows": [
            {
                "entry": entry,
                "sentence": EVENTS[Event(entry.kind)].sentence,
                "leaf": bytes(entry.leaf_hash).hex()[:16],
            }
            for entry in page
        ],
    }
    return render(request, "portal/ledger.html", context)
