"""Pages on which a grade is asked for, awaited, read and judged."""

import json
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import Http404, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from diagnosis.actions.requests import cancel, request_grading, retry
from diagnosis.actions.verdicts import judge_grade
from diagnosis.explaining import (
    attention_layer,
    doubt_sentences,
    measures,
    no_grade_advice,
    no_grade_title,
)
from diagnosis.forms import VerdictForm
from diagnosis.grading.report import GradeReport
from diagnosis.grading.scale import Grade
from diagnosis.imaging.decoding import decode
from diagnosis.imaging.desensitising import desensitise
from diagnosis.imaging.overlay import LABELS, preview_png
from diagnosis.models import TRANSITIONS, GradingJob, State, Verdict
from diagnosis.pace import seconds_left
from diagnosis.permissions import (
    check_may_request_grade,
    may_count_agreement,
    may_judge,
    may_see_job,
    may_steer,
    readable_jobs,
    visible_jobs,
    visible_versions,
)
from diagnosis.presentation import (
    PAGE_SIDE,
    clock,
    data_uri,
    grade_steps,
    left_words,
    mask_layers,
    shown,
    waiting_sentence,
)
from diagnosis.views.images import frame_or_404
from portal.acting import SignedInRequest
from portal.actions.notifications import mark_page_read
from portal.errors import Refused
from records.access import document_or_404
from records.actions.documents import open_document
from records.history import name_for, proof_of
from records.opening import unseal
from records.permissions import may_read_document, opening_holder
from records.storage.errors import StorageError


@login_required
@require_GET
def preview(request: SignedInRequest, document_id: UUID) -> HttpResponse:
    """What the diagnosis service would get, before anything is sent."""
    document = document_or_404(request, document_id)
    check_may_request_grade(request.acting, document)
    content = open_document(document=document, acting=request.acting)
    image = frame_or_404(request, content)
    sent = desensitise(image)
    context = {
        "document": document,
        "patient": document.patient,
        "image": image,
        "sent": sent,
        "shown": data_uri(preview_png(sent.pixels, PAGE_SIDE)),
        "earlier": readable_jobs(request.acting, document)
        .filter(frame=image.frame, state=State.DONE)
        .first(),
    }
    return render(request, "diagnosis/preview.html", context)


@login_required
@require_POST
def ask(request: SignedInRequest, document_id: UUID) -> HttpResponse:
    document = document_or_404(request, document_id)
    check_may_request_grade(request.acting, document)
    # No reading of its own on the ledger: nobody sees the image, and the request
    # is recorded.
    content = unseal(document, opening_holder(request.acting, document.patient))
    image = frame_or_404(request, content)
    try:
        job = request_grading(
            image=document,
            frame=image.frame,
            desensitised_png=desensitise(image).png,
            millimetres_per_pixel=image.millimetres_per_pixel,
            by=request.acting,
        )
    except (Refused, StorageError) as problem:
        messages.error(request, str(problem))
        return redirect("document", document.pk)
    return redirect("job", job.pk)


@login_required
@require_GET
def jobs(request: SignedInRequest) -> HttpResponse:
    rows = (
        visible_jobs(request.acting)
        .select_related("image__patient", "requested_by", "report")
        .prefetch_related("image__wraps", "verdicts")
    )
    page = Paginator(rows, 25).get_page(request.GET.get("page"))
    named = [(job, name_for(request.acting, job.image)) for job in page]
    context = {
        "page_obj": page,
        "jobs": named,
        "may_count": may_count_agreement(request.acting),
    }
    return render(request, "diagnosis/jobs.html", context)


@login_required
@require_GET
def job(request: SignedInRequest, job_id: UUID) -> HttpResponse:
    found = job_or_404(request, job_id)
    if found.is_finished:
        mark_page_read(path=request.path, by=request.acting)
    if found.state == State.DONE:
        return _result(request, found)
    return render(request, "diagnosis/job.html", _progress(request, found))


@login_required
@require_GET
def progress(request: SignedInRequest, job_id: UUID) -> HttpResponse:
    """The part of the job's page that changes while one waits."""
    found = job_or_404(request, job_id)
    if found.is_finished:
        return HttpResponse(headers={"HX-Refresh": "true"})
    return render(request, "diagnosis/progress.html", _progress(request, found))


@login_required
@require_POST
def cancel_job(request: SignedInRequest, job_id: UUID) -> HttpResponse:
    found = job_or_404(request, job_id)
    try:
        cancel(job=found, by=request.acting)
        messages.success(request, "The grading is cancelled.")
    except Refused as refusal:
        messages.error(request, str(refusal))
    return redirect("job", found.pk)


@login_required
@require_POST
def retry_job(request: SignedInRequest, job_id: UUID) -> HttpResponse:
    found = job_or_404(request, job_id)
    try:
        retry(job=found, by=request.acting)
    except Refused as refusal:
        messages.error(request, str(refusal))
    return redirect("job", found.pk)


@login_required
@require_http_methods(["GET", "POST"])
def judge(request: SignedInRequest, job_id: UUID) -> HttpResponse:
    found = job_or_404(request, job_id)
    if request.method == "GET":
        # The address of a verdict that had to be corrected, opened again.
        return redirect("job", found.pk)
    if not may_judge(request.acting, found):
        raise Http404
    form = VerdictForm(request.POST)
    if not form.is_valid():
        return _result(request, found, posted=request.POST)
    data = form.cleaned_data
    judge_grade(
        job=found,
        decision=Verdict.Decision(data["decision"]),
        grade=Grade(data["grade"]) if data["grade"] else None,
        reason=data["reason"],
        by=request.acting,
    )
    messages.success(request, "Your verdict is kept beside the suggested grade.")
    return redirect("job", found.pk)


def job_or_404(request: SignedInRequest, job_id: UUID) -> GradingJob:
    """The job, for whoever may open its image or its report."""
    found = (
        GradingJob.objects.select_related("image__patient", "report", "requested_by")
        .filter(pk=job_id)
        .first()
    )
    if found is None or not may_see_job(request.acting, found):
        raise Http404
    return found


def _progress(request: SignedInRequest, found: GradingJob) -> dict[str, Any]:
    return {
        "job": found,
        "patient": found.image.patient,
        "sentence": waiting_sentence(found),
        "elapsed": clock(found.elapsed),
        "left": left_words(seconds_left(found)),
        "may_steer": may_steer(request.acting, found),
        "may_cancel": State.CANCELLED in TRANSITIONS[State(found.state)],
    }


def _result(
    request: SignedInRequest, found: GradingJob, *, posted: QueryDict | None = None
) -> HttpResponse:
    """The grade with its mask; again, with what to correct, where a verdict was posted."""
    if found.report is None:
        raise Http404
    report = GradeReport.from_json(
        open_document(document=found.report, acting=request.acting)
    )
    context = _progress(request, found) | {
        "report": report,
        "version": visible_versions(request.acting)
        .filter(weights_sha256=report.weights_sha256)
        .first(),
        "steps": grade_steps(report),
        "labels": LABELS,
        "measures": measures(report),
        "doubt_sentences": doubt_sentences(report),
        "no_grade_title": no_grade_title(report),
        "no_grade_advice": no_grade_advice(report),
        "verdicts": _verdicts(request, found),
        "proof": proof_of(found.report),
        "may_judge": may_judge(request.acting, found),
        "form": VerdictForm(posted, graded=report.grade is not None),
    }
    if may_read_document(request.acting, found.image):
        content = open_document(document=found.image, acting=request.acting)
        image = decode(content, frame=found.frame)
        context["shown"], context["frames"] = shown(image), image.frames
        context["layers"] = mask_layers(report)
        context["attention"] = attention_layer(report)
    status = 200 if posted is None else 422
    return render(request, "diagnosis/result.html", context, status=status)


def _verdicts(request: SignedInRequest, found: GradingJob) -> list[dict[str, Any]]:
    """Each verdict with its sealed words, the newest first."""
    rows = found.verdicts.select_related(
        "document__patient", "by", "document__institution"
    )
    return [
        {
            "verdict": row,
            **json.loads(open_document(document=row.document, acting=request.acting)),
        }
        for row in rows
        if may_read_document(request.acting, row.document)
    ]
