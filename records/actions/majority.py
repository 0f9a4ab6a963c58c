"""Hands a history over to the patient, once the patient is of age."""

from django.db import IntegrityError, transaction
from django.utils import timezone

from ledger.events import Event
from portal.accounts import find_or_create_account
from portal.acting import Acting
from portal.errors import Refused
from portal.models import Institution
from records.models import Guardian, Patient
from records.permissions import check_may_verify_guardians, is_of_age
from records.recording import record_of_guardian


@transaction.atomic
def hand_over(*, patient: Patient, email: str, by: Acting) -> Guardian:
    """Let a patient who is of age act alone, whose papers the hospital has seen.

    Who may: an admin of a hospital that has the patient in its care; not for themselves.
    Records: PATIENT_TOOK_OVER, then GUARDIANSHIP_ENDED for each guardian.
    Effects: an account where the e-mail address has none. The guardians see and decide
        nothing any more; what they allowed stays, for the patient to withdraw.

    Raises:
        Refused: no admin there, not of age by that hospital's rule, taken over before,
            or the e-mail address is a guardian's.
    """
    institution = check_may_verify_guardians(by, patient)
    if not is_of_age(patient, institution):
        raise Refused(
            f"{patient} is not {institution.age_of_majority} yet, the age from which"
            f" patients of {institution} act alone."
        )
    user = find_or_create_account(email=email, full_name=patient.full_name)
    if user == by.user:
        raise Refused(
            "You cannot hand your own history to yourself; another admin can."
        )
    try:
        with transaction.atomic():
            own = Guardian.objects.create(patient=patient, user=user, is_patient=True)
    except IntegrityError as error:
        raise Refused(
            f"{patient} has taken over before, or {email} is a guardian's address."
        ) from error
    record_of_guardian(own, Event.PATIENT_TOOK_OVER, institution, by)
    _end_guardianships(patient, institution, by)
    return own


@transaction.atomic
def end_guardianships(*, patient: Patient, institution: Institution) -> int:
    """End what guardians may do for a patient who came of age.

    Who may: the nightly task, for a hospital that has the patient in its care.
    Records: GUARDIANSHIP_ENDED for each guardian, signed by the hospital.
    Effects: the patient takes over at their next visit, with `hand_over`.

    Returns:
        how many guardians there were; none while the patient is not of age.
    """
    if not is_of_age(patient, institution):
        return 0
    return _end_guardianships(patient, institution, None)


def _end_guardianships(
    patient: Patient, institution: Institution, by: Acting | None
) -> int:
    patient.hold_readers()
    acting = list(patient.guardians.filter(ended_at=None, is_patient=False))
    for guardian in acting:
        guardian.ended_at = timezone.now()
        guardian.save(update_fields=["ended_at"])
        record_of_guardian(guardian, Event.GUARDIANSHIP_ENDED, institution, by)
    return len(acting)
