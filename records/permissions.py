"""The one access rule: who may see and do what about a patient."""

from enum import Enum
from uuid import UUID

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from portal.acting import Acting
from portal.errors import Refused
from portal.models import Institution, User
from portal.roles import (
    ADD_DOCUMENT,
    DECIDE_ERASURES,
    ENROL,
    OPEN_EMERGENCY,
    READ_CONTENT,
    REVIEW_EMERGENCIES,
    SEE_ACTS,
)
from records.models import (
    Consent,
    Document,
    EmergencyAccess,
    Enrolment,
    Erasure,
    Guardian,
    Patient,
)
from records.scope import Scope


class Relation(Enum):
    """What a person is to a patient; the strongest one counts."""

    GUARDIAN = "guardian"
    ALLOWED_DOCTOR = "doctor at a hospital with an enrolment and a live consent"
    OWN_DOCTOR = "doctor at a hospital that has the patient in care, without consent"
    EMERGENCY_DOCTOR = "doctor with an open emergency access"
    FORMER_DOCTOR = "doctor at a hospital that had the patient in care"
    HOSPITAL_ADMIN = (
        "admin of a hospital that has or had the patient in care, or an emergency"
    )
    STRANGER = "anyone else"


DOCTORS = {
    Relation.ALLOWED_DOCTOR,
    Relation.OWN_DOCTOR,
    Relation.EMERGENCY_DOCTOR,
    Relation.FORMER_DOCTOR,
}
CARING = {Relation.ALLOWED_DOCTOR, Relation.OWN_DOCTOR}


def relation(acting: Acting, patient: Patient) -> Relation:
    """What the acting person is to the patient."""
    if patient.guardians.acting(acting.user).exists():
        return Relation.GUARDIAN
    if acting.institution is None:
        return Relation.STRANGER
    if acting.may(READ_CONTENT):
        return _doctor(acting, patient, acting.institution)
    if acting.may(SEE_ACTS) and _knows(acting.institution, patient):
        return Relation.HOSPITAL_ADMIN
    return Relation.STRANGER


def _doctor(acting: Acting, patient: Patient, institution: Institution) -> Relation:
    enrolments = patient.enrolments.filter(institution=institution)
    if enrolments.filter(ended_at=None).exists():
        allowed = live_consent(patient, institution)
        return Relation.ALLOWED_DOCTOR if allowed else Relation.OWN_DOCTOR
    if emergency_access(acting, patient):
        return Relation.EMERGENCY_DOCTOR
    return Relation.FORMER_DOCTOR if enrolments.exists() else Relation.STRANGER


def _knows(institution: Institution, patient: Patient) -> bool:
    """Whether the hospital has or had the patient in care, or in an emergency."""
    return (
        patient.enrolments.filter(institution=institution).exists()
        or patient.emergencies.filter(institution=institution).exists()
    )


def live_consent(patient: Patient, institution: Institution) -> Consent | None:
    """What the family lets the hospital read now."""
    live = Consent.objects.live()
    return live.filter(patient=patient, institution=institution).first()


def emergency_access(acting: Acting, patient: Patient) -> EmergencyAccess | None:
    """What lets the acting doctor read everything for now, whatever is allowed."""
    if acting.institution is None or not acting.may(OPEN_EMERGENCY):
        return None
    live = EmergencyAccess.objects.live().filter(patient=patient)
    return live.filter(doctor=acting.user, institution=acting.institution).first()


def opening_holder(acting: Acting, patient: Patient) -> UUID:
    """Whose key opens for the acting person: a guardian uses the patient's own.

    So does a doctor in an emergency, for whose hospital nothing was wrapped.
    """
    if (
        acting.institution is None
        or relation(acting, patient) is Relation.GUARDIAN
        or emergency_access(acting, patient)
    ):
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
        emergencies = EmergencyAccess.objects.filter(
            patient=OuterRef("pk"), institution=acting.institution
        )
        if acting.may(READ_CONTENT):
            emergencies = emergencies.live().filter(doctor=acting.user)
        mine |= Q(Exists(emergencies))
    return Patient.objects.filter(mine)


def readable_documents(acting: Acting, patient: Patient) -> QuerySet[Document]:
    """The documents whose content the acting person may open."""
    if emergency_access(acting, patient):
        return patient.documents.kept()
    return ordinarily_readable(acting, patient)


def ordinarily_readable(acting: Acting, patient: Patient) -> QuerySet[Document]:
    """The same without what an emergency opens, from which nothing may be made."""
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


def reads_elsewhere(acting: Acting, patient: Patient) -> bool:
    """Whether something from other hospitals is open to the acting person."""
    held = relation(acting, patient)
    return held in {Relation.GUARDIAN, Relation.ALLOWED_DOCTOR} or bool(
        emergency_access(acting, patient)
    )


def visible_enrolments(acting: Acting, patient: Patient) -> QuerySet[Enrolment]:
    """Where the patient is or was in care; elsewhere only for those who may read."""
    enrolments = patient.enrolments.all()
    if reads_elsewhere(acting, patient):
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


def is_of_age(patient: Patient, institution: Institution) -> bool:
    """Whether the patient acts alone today, by the hospital's age of majority."""
    return patient.age_on(timezone.localdate()) >= institution.age_of_majority


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


def check_may_open_emergency(acting: Acting) -> Institution:
    """The hospital for which the acting person may open a history in an emergency.

    Raises:
        Refused: the person acts as no doctor.
    """
    if acting.institution is None or not acting.may(OPEN_EMERGENCY):
        raise Refused("Only a doctor of a hospital can open a history in an emergency.")
    return acting.institution


def check_may_review(acting: Acting, access: EmergencyAccess) -> None:
    """Refuse whoever may not judge an emergency access.

    Raises:
        Refused: no admin of the doctor's hospital, or the doctor themselves.
    """
    may = acting.may(REVIEW_EMERGENCIES) and acting.institution == access.institution
    if not may or acting.user == access.doctor:
        raise Refused("Only an admin of the doctor's hospital can judge this access.")


def check_may_decide_erasure(acting: Acting, erasure: Erasure) -> None:
    """Refuse whoever may not answer a family that asks for erasure.

    Raises:
        Refused: no admin of the hospital that was asked.
    """
    if not acting.may(DECIDE_ERASURES) or acting.institution != erasure.institution:
        raise Refused("Only an admin of the hospital that was asked can decide this.")
