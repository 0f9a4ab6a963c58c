"""Download of a grade for an image archive."""

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_GET

from diagnosis.permissions import may_export
from diagnosis.views.grading import job_or_404
from portal.acting import SignedInRequest
from portal.errors import Refused


@login_required
@require_GET
def dicom(request: SignedInRequest, job_id: UUID) -> HttpResponse:
    job = job_or_404(request, job_id)
    if not may_export(request.acting, job):
        raise Http404
    # Imported here: it takes a second, which no other page should wait for.
    from diagnosis.exporting import export_dicom

    try:
        packed = export_dicom(job=job, by=request.acting)
    except Refused as refusal:
        messages.error(request, str(refusal))
        return redirect("job", job.pk)
    return HttpResponse(
        packed,
        content_type="application/zip",
        headers={"Content-Disposition": f'attachment; filename="grade-{job.pk}.zip"'},
    )
