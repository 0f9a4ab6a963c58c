"""The one access rule: who may see and do what about a patient."""

from enum import Enum
from uuid import UUID

from django.db.models import Exists, OuterRef, Q, QuerySet

from portal.acting import Acting
from portal.errors import Refused
from portal.models import Institution, User
from portal.roles import ADD_DOCUMENT, ENROL, READ_CONTENT, SEE_ACTS
from records.models import Consent, Document, Enrolment, Guardian, Patient
from records.scope import Scope


class Relation(Enum):
    """What a person is to a patient; the strongest one counts."""

    GUARDIAN = "guardian"
    ALLOWED_DOCTOR = "doctor at a hospital with an enrolment and a live consent"
    OWN_DOCTOR = "doctor at a hospital that has the patient in care, without consent"
    FORMER_DOCTOR = "doctor at a hospital that had the patient in care"
    HOSPITAL_ADMIN = "admin of a hospital that has or had the patient in care"
    STRANGER = "anyone else"


DOCTORS = {Relation.ALLOWED_DOCTOR, Relation.OWN_DOCTOR, Relation.FORMER_DOCTOR}
CARING = {Relation.ALLOWED_DOCTOR, Relation.OWN_DOCTOR}


def relation(acting: Acting, patient: Patient) -> Relation:
    """What the acting person is to the patient."""
    if patient.guardians.acting(acting.user).exists():
        return Relation.GUARDIAN
    if acting.institution is None:
        return Relation.STRANGER
    enrolments = patient.enrolments.filter(institution=acting.institution)
    if not enrolments.exists():
        return Relation.STRANGER
    if acting.may(READ_CONTENT):
        return _doctor(patient, acting.institution, enrolments)
    return Relation.HOSPITAL_ADMIN if acting.may(SEE_ACTS) else Relation.STRANGER


def _doctor(
    patient: Patient, institution: Institution, enrolments: QuerySet[Enrolment]
) -> Relation:
    if not enrolments.filter(ended_at=None).exists():
        return Relation.FORMER_DOCTOR
    allowed = live_consent(patient, institution)
    return Relation.ALLOWED_DOCTOR if allowed else Relation.OWN_DOCTOR


def live_consent(patient: Patient, institution: Institution) -> Consent | None:
    """What the family lets the hospital read now."""
    live = Consent.objects.live()
    return live.filter(patient=patient, institution=institution).first()


def opening_holder(acting: Acting, patient: Patient) -> UUID:
    """Whose key opens for the acting person: a guardian uses the patient's own."""
    if acting.institution is None or relation(acting, patient) is Relation.GUARDIAN:
        return patient.holder_id
    return acting.institution.holder_id


def wards(user: User) -> QuerySet[Patient]:
    """The patients for whom the person acts."""
    return Patient.objects.filter(
        pk__in=Guardian.objects.acting(user).values("patient")
    )


def visible_patients(acting: Acting) -> QuerySet[Patient]:
    """Those about whom the acting person may know anything at all."""
    mine = Q(pk__in=wards(acting.user).values("pk"))
    if acting.institution and (acting.may(READ_CONTENT) or acting.may(SEE_ACTS)):
        here = Enrolment.objects.filter(
            patient=OuterRef("pk"), institution=acting.institution
        )
        mine |= Q(Exists(here))
    return Patient.objects.filter(mine)


def readable_documents(acting: Acting, patient: Patient) -> QuerySet[Document]:
    """The documents whose content the acting person may open."""
    kept, institution = patient.documents.kept(), acting.institution
    held = relation(acting, patient)
    if held is Relation.GUARDIAN:
        return kept
    if institution is None or held not in DOCTORS:
        return kept.none()
    readable = Q(institution=institution)
    if held is Relation.ALLOWED_DOCTOR and (
        consent := live_consent(patient, institution)
    ):
        readable |= consent.scope.condition
    return kept.filter(readable)


def visible_enrolments(acting: Acting, patient: Patient) -> QuerySet[Enrolment]:
    """Where the patient is or was in care; elsewhere only for those who may read."""
    enrolments = patient.enrolments.all()
    if relation(acting, patient) in {Relation.GUARDIAN, Relation.ALLOWED_DOCTOR}:
        return enrolments
    return enrolments.filter(institution=acting.institution)


def opened_by(
    scope: Scope, patient: Patient, institution: Institution
) -> QuerySet[Document]:
    """The documents of others that such a consent opens to the hospital today."""
    others = patient.documents.kept().exclude(institution=institution)
    return others.filter(scope.condition)


def may_read_document(acting: Acting, document: Document) -> bool:
    """Whether the acting person may open the document."""
    return readable_documents(acting, document.patient).filter(pk=document.pk).exists()


def check_may_read_document(acting: Acting, document: Document) -> None:
    """Refuse whoever may not open the document.

    Raises:
        Refused: the access rule does not let them.
    """
    if not may_read_document(acting, document):
        raise Refused("You cannot open this document.")


def may_add_document(acting: Acting, patient: Patient) -> bool:
    """Whether the acting person may add to the history: their hospital has the patient in care."""
    return acting.may(ADD_DOCUMENT) and relation(acting, patient) in CARING


def check_may_add_document(acting: Acting, patient: Patient) -> None:
    """Refuse whoever may not add to the history.

    Raises:
        Refused: the patient is not in the care of the acting person's hospital.
    """
    if not may_add_document(acting, patient):
        raise Refused(
            "Only a doctor of a hospital that has this patient in its care can do this."
        )


def may_manage_consents(acting: Acting, patient: Patient) -> bool:
    """Whether the acting person decides who may read."""
    return relation(acting, patient) is Relation.GUARDIAN


def check_may_manage_consents(acting: Acting, patient: Patient) -> None:
    """Refuse whoever does not decide for the patient.

    Raises:
        Refused: the person is no guardian of the patient.
    """
    if not may_manage_consents(acting, patient):
        raise Refused("Only the patient's guardian decides which hospital may read.")


def check_may_enrol(acting: Acting) -> Institution:
    """The hospital for which the acting person may enrol patients.

    Raises:
        Refused: the person is no admin of a hospital.
    """
    if acting.institution is None or not acting.may(ENROL):
        raise Refused("Only a hospital's admin can enrol patients.")
    return acting.institution


def check_may_end_care(acting: Acting, enrolment: Enrolment) -> UUID:
    """The holder in whose name the acting person ends a patient's time at a hospital.

    Raises:
        Refused: the person is neither an admin there nor a guardian of the patient.
    """
    if relation(acting, enrolment.patient) is Relation.GUARDIAN:
        return enrolment.patient.holder_id
    if check_may_enrol(acting) != enrolment.institution:
        raise Refused("Only an admin of that hospital can end an enrolment.")
    return enrolment.institution.holder_id


def may_verify_guardians(acting: Acting, patient: Patient) -> bool:
    """Whether the acting person says who acts for the patient: an admin where it is in care."""
    if acting.institution is None or not acting.may(ENROL):
        return False
    here = patient.enrolments.filter(institution=acting.institution, ended_at=None)
    return here.exists()


def check_may_verify_guardians(acting: Acting, patient: Patient) -> Institution:
    """The hospital for which the acting person says who acts for the patient.

    Raises:
        Refused: the person is no admin of a hospital that has the patient in care.
    """
    if acting.institution is None or not may_verify_guardians(acting, patient):
        raise Refused(
            "Only an admin of a hospital that has this patient in its care can say who"
            " its guardians are."
        )
    return acting.institution
