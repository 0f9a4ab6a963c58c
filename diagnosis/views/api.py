"""Grading jobs, for programs; the same access rule."""

from uuid import UUID

from rest_framework.decorators import api_view
from rest_framework.request import Request
from rest_framework.response import Response

from diagnosis.serializers import JobSerializer
from diagnosis.views.grading import job_or_404
from portal.acting import signed_in


@api_view(["GET"])
def job_detail(request: Request, job_id: UUID) -> Response:
    """How far a job is."""
    return Response(JobSerializer(job_or_404(signed_in(request), job_id)).data)
