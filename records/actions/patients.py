"""Takes patients into a hospital's care and lets them go."""

from dataclasses import dataclass
from datetime import date
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils import timezone

from ledger.events import Event
from portal.accounts import find_or_create_account
from portal.acting import Acting
from portal.errors import Refused
from portal.keys import create_holder
from portal.models import Institution
from portal.row_security import UPKEEP, in_the_name_of
from portal.sealed_fields import blind_index, blind_indexes
from records.actions.consents import end_reading
from records.models import Enrolment, Guardian, Patient
from records.models.patient import new_code
from records.permissions import check_may_end_care, check_may_enrol
from records.recording import Happening, record


@dataclass(frozen=True, kw_only=True)
class NewPatient:
    """What a hospital's reception knows of a new patient."""

    full_name: str
    birth_date: date
    hospital_number: str
    guardian_name: str
    guardian_email: str


@transaction.atomic
def register_patient(*, new: NewPatient, by: Acting) -> Patient:
    """Open a history, with the patient's own keys, and enrol the patient.

    Who may: an admin of a hospital.
    Records: PATIENT_REGISTERED, PATIENT_ENROLLED, GUARDIAN_ADDED.
    Effects: an account for the guardian where the e-mail address has none.

    Raises:
        Refused: no admin, or the hospital number names another patient.
    """
    institution = check_may_enrol(by)
    code = new_code()
    patient = Patient.objects.create(
        holder=create_holder(),
        full_name=new.full_name,
        birth_date_text=new.birth_date.isoformat(),
        code=code,
        code_index=blind_index(code, purpose="patient code"),
        name_index=blind_index(new.full_name, purpose="patient name"),
    )
    _record(patient, institution, Event.PATIENT_REGISTERED, by)
    _enrol(patient, institution, new.hospital_number, by)
    user = find_or_create_account(email=new.guardian_email, full_name=new.guardian_name)
    Guardian.objects.create(patient=patient, user=user)
    _record(patient, institution, Event.GUARDIAN_ADDED, by)
    return patient


@transaction.atomic
def enrol_patient(*, code: str, hospital_number: str, by: Acting) -> Enrolment:
    """Take a patient into care whose history another hospital opened.

    Who may: an admin of a hospital to whom the family gave the patient's code.
    Records: PATIENT_ENROLLED.
    Effects: none on what the hospital may read: the guardian decides that.

    Raises:
        Refused: no admin, an unknown code, or the patient is enrolled already.
    """
    institution = check_may_enrol(by)
    indexes = blind_indexes(code, purpose="patient code")
    # Who knows the code may know of the patient, who is not here yet.
    with in_the_name_of(UPKEEP):
        patient = Patient.objects.filter(code_index__in=indexes).first()
    if patient is None:
        raise Refused("No patient has this code. Ask the family to read it again.")
    return _enrol(patient, institution, hospital_number, by)


@transaction.atomic
def end_enrolment(*, enrolment: Enrolment, by: Acting) -> None:
    """Let a patient go; the hospital keeps reading what it made itself.

    Who may: an admin of the enrolment's hospital; a guardian of the patient.
    Records: ENROLMENT_ENDED, signed with the key of the hospital or of the patient.
    Effects: what the guardian allowed the hospital ends with its care.

    Raises:
        Refused: neither admin there nor guardian, or it has ended before.
    """
    author = check_may_end_care(by, enrolment)
    changed = Enrolment.objects.filter(pk=enrolment.pk, ended_at=None).update(
        ended_at=timezone.now()
    )
    if not changed:
        raise Refused("This enrolment has ended before.")
    end_reading(patient=enrolment.patient, institution=enrolment.institution)
    happening = Event.ENROLMENT_ENDED
    _record(enrolment.patient, enrolment.institution, happening, by, author)


def _enrol(
    patient: Patient, institution: Institution, hospital_number: str, by: Acting
) -> Enrolment:
    indexes = blind_indexes(hospital_number, purpose="hospital number")
    here = Enrolment.objects.filter(institution=institution, ended_at=None)
    # The database refuses a number twice, but not under two master keys.
    if here.filter(number_index__in=indexes[1:]).exists():
        raise Refused(_why_not(patient, institution, hospital_number))
    try:
        with transaction.atomic():
            enrolment = Enrolment.objects.create(
                patient=patient,
                institution=institution,
                hospital_number=hospital_number,
                number_index=indexes[0],
            )
    except IntegrityError as error:
        raise Refused(_why_not(patient, institution, hospital_number)) from error
    _record(patient, institution, Event.PATIENT_ENROLLED, by)
    return enrolment


def _why_not(patient: Patient, institution: Institution, hospital_number: str) -> str:
    if patient.enrolments.filter(institution=institution, ended_at=None).exists():
        return f"This patient is already enrolled at {institution}."
    return f"The hospital number {hospital_number} already names another patient."


def _record(
    patient: Patient,
    institution: Institution,
    event: Event,
    by: Acting,
    author: UUID | None = None,
) -> None:
    record(
        Happening(
            event=event,
            patient=patient,
            institution=institution,
            author=author or institution.holder_id,
            by=by.user,
        )
    )
