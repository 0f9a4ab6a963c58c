"""Pages on which an image comes in and is looked at."""

from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods

from diagnosis.forms import UploadForm
from diagnosis.imaging.decoding import decode, inspect
from diagnosis.imaging.errors import ImageRefused
from diagnosis.imaging.image import DecodedImage
from diagnosis.models import GradingJob
from diagnosis.permissions import may_request_grade, readable_jobs
from diagnosis.presentation import image_facts, shown
from portal.acting import SignedInRequest
from portal.models import Institution
from records.access import document_or_404, patient_or_404
from records.actions.documents import NewDocument, add_document, open_document
from records.errors import RecordDamaged
from records.history import name_for, proof_of
from records.models import Document
from records.permissions import check_may_add_document, relation
from records.storage.errors import StorageError

FRAME_DIGITS = 6


@login_required
@require_http_methods(["GET", "POST"])
def upload(request: SignedInRequest, patient_id: UUID) -> HttpResponse:
    patient = patient_or_404(request, patient_id)
    check_may_add_document(request.acting, patient)
    form = UploadForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        new = NewDocument(
            kind=Document.Kind.IMAGE,
            name=form.name,
            media_type=form.media_type,
            content=form.cleaned_data["file"].chunks(),
        )
        try:
            document = add_document(
                patient=patient,
                institution=_here(request),
                new=new,
                by=request.acting,
            )
        except StorageError as error:
            form.add_error("file", f"The image was not kept: {error} Try again.")
        else:
            messages.success(request, "The image is sealed and in the history.")
            return redirect("document", document.pk)
    context = {
        "form": form,
        "patient": patient,
        "max_bytes": settings.MAX_UPLOAD_BYTES,
    }
    return render(request, "diagnosis/upload.html", context)


@login_required
@require_GET
def document(request: SignedInRequest, document_id: UUID) -> HttpResponse:
    found = document_or_404(request, document_id)
    if found.kind != Document.Kind.IMAGE:
        return redirect("job", _job_of(found).pk)
    content = open_document(document=found, acting=request.acting)
    image = frame_or_404(request, content)
    context = {
        "document": found,
        "patient": found.patient,
        "name": name_for(request.acting, found),
        "proof": proof_of(found),
        "image": image,
        "shown": shown(image),
        "facts": image_facts(found, image),
        "jobs": readable_jobs(request.acting, found)
        .filter(frame=image.frame)
        .select_related("requested_by"),
        "may_request": may_request_grade(request.acting, found),
        "relation": relation(request.acting, found.patient),
    }
    return render(request, "diagnosis/document.html", context)


def frame_or_404(request: SignedInRequest, content: bytes) -> DecodedImage:
    """The frame of an image that the request names, counted from 1."""
    asked = request.GET.get("frame") or request.POST.get("frame") or "1"
    if not asked.isdecimal() or len(asked) > FRAME_DIGITS or int(asked) < 1:
        raise Http404
    try:
        if int(asked) > inspect(content).frames:
            raise Http404
        return decode(content, frame=int(asked) - 1)
    except ImageRefused as refusal:
        # Only the first frame was decoded when the file came in.
        raise RecordDamaged(str(refusal)) from refusal


def _here(request: SignedInRequest) -> Institution:
    """The hospital acted for; `check_may_add_document` has made sure of one."""
    if request.acting.institution is None:
        raise Http404
    return request.acting.institution


def _job_of(found: Document) -> GradingJob:
    if found.kind == Document.Kind.GRADE_REPORT:
        return GradingJob.objects.get(report=found)
    return GradingJob.objects.get(verdicts__document=found)
