"""What the log serves to anyone, by the formats of C2SP; it knows no visitor."""

from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_GET

from ledger.models import Checkpoint


@require_GET
def checkpoint(request: HttpRequest) -> HttpResponse:
    """The latest signed head, as C2SP tlog-checkpoint has it; public by design."""
    latest = Checkpoint.objects.order_by("-size").first()
    if latest is None:
        raise Http404
    return HttpResponse(latest.note, content_type="text/plain; charset=utf-8")
