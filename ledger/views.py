"""Pages about the log itself; they know no patient."""

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from ledger.events import EVENTS, Event
from ledger.models import Checkpoint, Entry, Inbox
from ledger.site import origin

PAGE = 50


@login_required
@require_GET
def ledger(request: HttpRequest) -> HttpResponse:
    """What every signed-in person may know of the log: its size, its head, its order."""
    page = Paginator(Entry.objects.order_by("-seq"), PAGE).get_page(
        request.GET.get("page")
    )
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
    return render(request, "ledger/ledger.html", context)


@require_GET
def checkpoint(request: HttpRequest) -> HttpResponse:
    """The latest signed head, as C2SP tlog-checkpoint has it; public by design."""
    latest = Checkpoint.objects.order_by("-size").first()
    if latest is None:
        raise Http404
    return HttpResponse(latest.note, content_type="text/plain; charset=utf-8")
