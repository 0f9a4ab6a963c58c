"""The page on which staff look after the jobs of every hospital."""

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from diagnosis.actions.staff import try_again
from diagnosis.models import State
from diagnosis.models.grading_job import UNFINISHED
from diagnosis.permissions import jobs_to_look_after, may_look_after_jobs
from portal.acting import SignedInRequest
from portal.errors import Refused

RUNNING, PAGE = 50, 25


@login_required
@require_GET
def staff_jobs(request: SignedInRequest) -> HttpResponse:
    if not may_look_after_jobs(request.acting):
        raise Http404
    rows = jobs_to_look_after(request.acting).select_related("institution")
    if quoted := request.GET.get("q", "").strip().lower():
        rows = rows.filter(correlation_id=quoted)
    unfinished = rows.filter(state__in=UNFINISHED).order_by("requested_at")
    failed = rows.filter(state=State.FAILED).order_by("-ended_at")
    context = {
        "unfinished": unfinished[:RUNNING],
        "unfinished_count": unfinished.count(),
        "page_obj": Paginator(failed, PAGE).get_page(request.GET.get("page")),
        "q": quoted,
    }
    return render(request, "diagnosis/staff_jobs.html", context)


@login_required
@require_POST
def staff_retry(request: SignedInRequest, job_id: UUID) -> HttpResponse:
    if not may_look_after_jobs(request.acting):
        raise Http404
    try:
        try_again(job_id=job_id, by=request.acting)
        messages.success(request, _("The job is queued again."))
    except Refused as refusal:
        messages.error(request, str(refusal))
    return redirect("staff_jobs")
