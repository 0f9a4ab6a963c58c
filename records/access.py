"""Loads what a request names, if the person may know of it."""

from datetime import date
from uuid import UUID

from django.http import Http404

from portal.acting import Acting, SignedInRequest
from portal.errors import Refused
from portal.row_security import UPKEEP, in_the_name_of
from portal.sealed_fields import blind_indexes
from records.models import Document, Patient
from records.permissions import (
    Relation,
    check_may_open_emergency,
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


def patient_in_emergency(
    acting: Acting, *, code: str = "", full_name: str = "", born: date | None = None
) -> Patient:
    """The patient of whom a doctor knows the code, or the name and the day of birth.

    Ask only where `open_emergency`, which records it, follows at once.

    Raises:
        Refused: no doctor; nobody is known by that, or more than one person.
    """
    check_may_open_emergency(acting)
    with in_the_name_of(UPKEEP):
        if code:
            indexes = blind_indexes(code, purpose="patient code")
            found = list(Patient.objects.filter(code_index__in=indexes))
        else:
            indexes = blind_indexes(full_name, purpose="patient name")
            named = Patient.objects.filter(name_index__in=indexes)
            found = [patient for patient in named if patient.birth_date == born]
    if not found:
        raise Refused("Nobody is known here by that. Check each letter and the day.")
    if len(found) > 1:
        raise Refused(
            "More than one patient has this name and day of birth. Use the patient's code."
        )
    return found[0]
