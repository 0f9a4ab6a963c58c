"""Pages on which a hospital sends data sets and sees what becomes of their files."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from diagnosis.actions.data_sets import add_data_set, request_run
from diagnosis.forms import DataSetForm
from diagnosis.intake.limits import MAX_ARCHIVE
from diagnosis.models import DataSet, Purpose, SetState
from diagnosis.models.grading_job import UNFINISHED
from diagnosis.permissions import may_handle_sets, visible_sets
from diagnosis.set_presentation import STEPS, checking_sentence
from diagnosis.set_reading import counts, outcomes_of
from portal.acting import SignedInRequest
from portal.errors import Refused
from records.storage.errors import StorageError


@login_required
@require_GET
def data_sets(request: SignedInRequest) -> HttpResponse:
    _check_at_home(request)
    rows = visible_sets(request.acting).select_related("made_by")
    page = Paginator(rows.prefetch_related("runs"), 25).get_page(
        request.GET.get("page")
    )
    return render(request, "diagnosis/data_sets.html", {"page_obj": page})


@login_required
@require_http_methods(["GET", "POST"])
def add_set(request: SignedInRequest) -> HttpResponse:
    _check_at_home(request)
    form = DataSetForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        try:
            added = add_data_set(
                title=data["title"],
                purpose=Purpose(data["purpose"]),
                content=data["file"].chunks(),
                by=request.acting,
            )
        except StorageError as error:
            form.add_error("file", f"The archive was not kept: {error} Try again.")
        else:
            return redirect("data_set", added.pk)
    context = {"form": form, "max_bytes": MAX_ARCHIVE}
    return render(request, "diagnosis/add_set.html", context)


@login_required
@require_GET
def data_set(request: SignedInRequest, set_id: UUID) -> HttpResponse:
    found = set_or_404(request, set_id)
    context = _progress(found)
    if found.is_checked:
        outcomes = outcomes_of(found)
        page = Paginator(outcomes, 50).get_page(request.GET.get("page"))
        runs = list(found.runs.select_related("requested_by"))
        context |= {
            "page_obj": page,
            "counts": counts(outcomes),
            "runs": runs,
            "may_give": found.state == SetState.READY
            and not any(run.state in UNFINISHED for run in runs),
        }
    return render(request, "diagnosis/data_set.html", context)


@login_required
@require_GET
def set_progress(request: SignedInRequest, set_id: UUID) -> HttpResponse:
    """The part of a set's page that changes while it is looked at."""
    found = set_or_404(request, set_id)
    if found.is_checked:
        return HttpResponse(headers={"HX-Refresh": "true"})
    return render(request, "diagnosis/set_progress.html", _progress(found))


@login_required
@require_POST
def give_set(request: SignedInRequest, set_id: UUID) -> HttpResponse:
    found = set_or_404(request, set_id)
    try:
        run = request_run(data_set=found, by=request.acting)
    except Refused as refusal:
        messages.error(request, str(refusal))
        return redirect("data_set", found.pk)
    return redirect("run", run.pk)


def set_or_404(request: SignedInRequest, set_id: UUID) -> DataSet:
    """The data set, for the people of the hospital whose it is."""
    sets = visible_sets(request.acting).select_related("institution", "made_by")
    found = sets.filter(pk=set_id).first()
    if found is None:
        raise Http404
    return found


def _progress(found: DataSet) -> dict[str, Any]:
    return {
        "data_set": found,
        "step": STEPS[SetState(found.state)],
        "sentence": checking_sentence(found),
    }


def _check_at_home(request: SignedInRequest) -> None:
    if not may_handle_sets(request.acting):
        raise Http404
