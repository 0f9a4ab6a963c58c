"""Loads what a request names, if the person may know of it."""

from uuid import UUID

from django.http import Http404

from portal.acting import SignedInRequest
from records.models import Document, Patient
from records.permissions import (
    Relation,
    may_read_document,
    relation,
    visible_patients,
)


def patient_or_404(request: SignedInRequest, patient_id: UUID) -> Patient:
    """The patient, for whoever may know of them; 404 for everyone else."""
    patient = visible_patients(request.acting).filter(pk=patient_id).first()
    if patient is None:
        raise Http404
    return patient


def document_or_404(request: SignedInRequest, document_id: UUID) -> Document:
    """The document, for whoever may open it; 404 for everyone else."""
    document = (
        Document.objects.select_related("patient", "institution", "about", "created_by")
        .filter(pk=document_id)
        .first()
    )
    if document is None or not may_read_document(request.acting, document):
        raise Http404
    return document


def own_patient_or_404(request: SignedInRequest, patient_id: UUID) -> Patient:
    """The patient, for their guardian alone."""
    patient = patient_or_404(request, patient_id)
    if relation(request.acting, patient) is not Relation.GUARDIAN:
        raise Http404
    return patient
