"""What a person was told, newest first."""

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_POST

from portal.acting import SignedInRequest
from portal.actions.notifications import mark_all_read, mark_read
from portal.models import Notification

PAGE = 25


@login_required
@require_GET
def notifications(request: SignedInRequest) -> HttpResponse:
    rows = Notification.objects.filter(person=request.acting.user)
    page = Paginator(rows, PAGE).get_page(request.GET.get("page"))
    return render(request, "portal/notifications.html", {"page_obj": page})


@login_required
@require_POST
def open_notification(request: SignedInRequest, notification_id: int) -> HttpResponse:
    """Lead to the page that says more; from then on it is read."""
    found = get_object_or_404(
        Notification, pk=notification_id, person=request.acting.user
    )
    mark_read(notification=found, by=request.acting)
    return redirect(found.path)


@login_required
@require_POST
def read_notifications(request: SignedInRequest) -> HttpResponse:
    mark_all_read(by=request.acting)
    return redirect("notifications")
