"""The same histories, for programs; the same access rule."""

from uuid import UUID

from rest_framework.decorators import api_view
from rest_framework.request import Request
from rest_framework.response import Response

from portal.acting import signed_in
from records.access import patient_or_404
from records.permissions import readable_documents, visible_patients
from records.serializers import DocumentSerializer, PatientSerializer, listed

MOST = 200


@api_view(["GET"])
def patient_list(request: Request) -> Response:
    """The patients of whom the person may know, the newest first, 200 at most."""
    acting = signed_in(request).acting
    rows = visible_patients(acting).order_by("-created_at")[:MOST]
    return Response(listed(PatientSerializer, rows))


@api_view(["GET"])
def document_list(request: Request, patient_id: UUID) -> Response:
    """The documents of a patient that the person may open, the newest 200."""
    asked = signed_in(request)
    patient = patient_or_404(asked, patient_id)
    rows = readable_documents(asked.acting, patient).select_related("institution")
    return Response(listed(DocumentSerializer, rows[:MOST]))
