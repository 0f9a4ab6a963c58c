"""Pages on which a hospital follows a run of its data set and reads what came back."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_POST

from diagnosis.actions.data_sets import (
    cancel_run,
    fetch_results,
    publish_validation,
    request_comparison,
    retry_run,
)
from diagnosis.exchange import set_steps
from diagnosis.models import TRANSITIONS, PublishedReport, Purpose, SetRun, State
from diagnosis.permissions import visible_sets
from diagnosis.presentation import clock
from diagnosis.set_presentation import (
    class_figures,
    comparison_sentence,
    figures,
    plots,
    remaining,
    run_sentence,
)
from diagnosis.set_reading import rows_of, to_csv, validation_of
from diagnosis.validation.publishing import published_figures
from portal.acting import SignedInRequest
from portal.errors import Refused


@login_required
@require_GET
def run(request: SignedInRequest, run_id: UUID) -> HttpResponse:
    found = run_or_404(request, run_id)
    context = _progress(found)
    if found.state == State.DONE:
        results = fetch_results(run=found, by=request.acting)
        rows = rows_of(found, results.results)
        context |= {
            "page_obj": Paginator(rows, 50).get_page(request.GET.get("page")),
            "with_labels": any(row.outcome.label for row in rows),
            "ungraded": sum(row.result.grade is None for row in rows),
            "comparison": comparison_sentence(found),
            **_validation(found),
        }
    context["steps"] = set_steps(found)
    return render(request, "diagnosis/run.html", context)


@login_required
@require_GET
def run_progress(request: SignedInRequest, run_id: UUID) -> HttpResponse:
    """The part of a run's page that changes while one waits."""
    found = run_or_404(request, run_id)
    if found.is_finished:
        return HttpResponse(headers={"HX-Refresh": "true"})
    return render(request, "diagnosis/run_progress.html", _progress(found))


@login_required
@require_GET
def run_csv(request: SignedInRequest, run_id: UUID) -> HttpResponse:
    """The results as a table that spreadsheets open."""
    found = run_or_404(request, run_id)
    if found.state != State.DONE:
        raise Http404
    results = fetch_results(run=found, by=request.acting)
    # The mark tells spreadsheets that it is UTF-8.
    content = to_csv(found, rows_of(found, results.results)).encode("utf-8-sig")
    return HttpResponse(
        content,
        content_type="text/csv; charset=utf-8",
        headers={
            "Content-Disposition": f'attachment; filename="results-{found.pk}.csv"'
        },
    )


@login_required
@require_POST
def cancel_set(request: SignedInRequest, run_id: UUID) -> HttpResponse:
    found = run_or_404(request, run_id)
    try:
        cancel_run(run=found, by=request.acting)
        messages.success(request, "The grading of this set is cancelled.")
    except Refused as refusal:
        messages.error(request, str(refusal))
    return redirect("run", found.pk)


@login_required
@require_POST
def retry_set(request: SignedInRequest, run_id: UUID) -> HttpResponse:
    found = run_or_404(request, run_id)
    try:
        retry_run(run=found, by=request.acting)
    except Refused as refusal:
        messages.error(request, str(refusal))
    return redirect("run", found.pk)


@login_required
@require_POST
def compare_set(request: SignedInRequest, run_id: UUID) -> HttpResponse:
    found = run_or_404(request, run_id)
    try:
        request_comparison(run=found, by=request.acting)
        messages.success(
            request,
            "The set is graded directly now; load this page again to see what was found.",
        )
    except Refused as refusal:
        messages.error(request, str(refusal))
    return redirect("run", found.pk)


@login_required
@require_POST
def publish(request: SignedInRequest, run_id: UUID) -> HttpResponse:
    found = run_or_404(request, run_id)
    report = validation_of(found)
    if report is None:
        raise Http404
    try:
        publish_validation(
            run=found, figures=published_figures(report), by=request.acting
        )
        messages.success(request, "The figures are published; no image is.")
    except Refused as refusal:
        messages.error(request, str(refusal))
    return redirect("published")


@login_required
@require_GET
def published(request: SignedInRequest) -> HttpResponse:
    """What hospitals measured and show to everybody."""
    page = Paginator(PublishedReport.objects.all(), 5).get_page(request.GET.get("page"))
    shown = [
        {
            "published": each,
            "report": each.figures,
            "figures": figures(each.figures),
            "classes": class_figures(each.figures),
            "plots": plots(each.figures),
        }
        for each in page
    ]
    return render(
        request, "diagnosis/published.html", {"page_obj": page, "reports": shown}
    )


def run_or_404(request: SignedInRequest, run_id: UUID) -> SetRun:
    """The run, for the people of the hospital whose set it is."""
    found = (
        SetRun.objects.select_related("data_set__institution", "requested_by")
        .filter(pk=run_id, data_set__in=visible_sets(request.acting))
        .first()
    )
    if found is None:
        raise Http404
    return found


def _progress(found: SetRun) -> dict[str, Any]:
    return {
        "run": found,
        "data_set": found.data_set,
        "sentence": run_sentence(found),
        "elapsed": clock(found.elapsed),
        "remaining": remaining(found),
        "may_cancel": State.CANCELLED in TRANSITIONS[State(found.state)],
    }


def _validation(found: SetRun) -> dict[str, Any]:
    """The report's parts; for a set that is no validation, nothing."""
    is_validation = found.data_set.purpose == Purpose.VALIDATION
    report = validation_of(found) if is_validation else None
    if report is None:
        return {"is_measured_later": is_validation and not found.report_failure}
    return {
        "report": report,
        "figures": figures(report),
        "classes": class_figures(report),
        "plots": plots(report),
        "is_published": PublishedReport.objects.filter(run=found).exists(),
    }
