"""Lets more than one person act for a patient."""

from django.db import IntegrityError, transaction
from django.utils import timezone

from ledger.events import Event
from portal.accounts import find_or_create_account
from portal.acting import Acting
from portal.errors import Refused
from records.models import Guardian, Patient
from records.permissions import check_may_verify_guardians, is_of_age
from records.recording import record_of_guardian


@transaction.atomic
def add_guardian(
    *, patient: Patient, full_name: str, email: str, by: Acting
) -> Guardian:
    """Let one more person act for a patient, whose papers the hospital has seen.

    Who may: an admin of a hospital that has the patient in its care; not for themselves.
    Records: GUARDIAN_ADDED, which the other guardians see.
    Effects: an account where the e-mail address has none; one that exists keeps its
        own name.

    Raises:
        Refused: no admin there, the admin themselves, somebody who is a guardian of the
            patient already, or a patient who acts alone.
    """
    institution = check_may_verify_guardians(by, patient)
    is_alone = patient.guardians.filter(is_patient=True).exists()
    if is_alone or is_of_age(patient, institution):
        raise Refused(f"{patient} is of age and acts alone.")
    user = find_or_create_account(email=email, full_name=full_name)
    if user == by.user:
        raise Refused("You cannot make yourself a guardian; another admin can.")
    try:
        with transaction.atomic():
            guardian = Guardian.objects.create(patient=patient, user=user)
    except IntegrityError as error:
        raise Refused(f"{user} is a guardian of {patient} already.") from error
    record_of_guardian(guardian, Event.GUARDIAN_ADDED, institution, by)
    return guardian


@transaction.atomic
def freeze_guardian(*, guardian: Guardian, by: Acting) -> None:
    """Keep a guardian from acting, as long as custody is contested.

    Who may: an admin of a hospital that has the patient in its care; not their own.
    Records: GUARDIAN_FROZEN, which the other guardians see.
    Effects: the guardian sees and decides nothing of the patient any more. What they
        allowed stays allowed, for the other guardians to withdraw.

    Raises:
        Refused: no admin there, the admin themselves, or frozen before.
    """
    institution = check_may_verify_guardians(by, guardian.patient)
    _check_other(guardian, by)
    guardian.patient.hold_readers()
    open_now = Guardian.objects.filter(pk=guardian.pk, frozen_at=None)
    if not open_now.update(frozen_at=timezone.now()):
        raise Refused(f"{guardian.user} has been kept from acting before.")
    record_of_guardian(guardian, Event.GUARDIAN_FROZEN, institution, by)


@transaction.atomic
def restore_guardian(*, guardian: Guardian, by: Acting) -> None:
    """Let a guardian act again.

    Who may: an admin of a hospital that has the patient in its care; not their own.
    Records: GUARDIAN_RESTORED.

    Raises:
        Refused: no admin there, the admin themselves, or not frozen.
    """
    institution = check_may_verify_guardians(by, guardian.patient)
    _check_other(guardian, by)
    frozen = Guardian.objects.filter(pk=guardian.pk, frozen_at__isnull=False)
    if not frozen.update(frozen_at=None):
        raise Refused(f"{guardian.user} may act for {guardian.patient} already.")
    record_of_guardian(guardian, Event.GUARDIAN_RESTORED, institution, by)


def _check_other(guardian: Guardian, by: Acting) -> None:
    if guardian.user == by.user:
        raise Refused("You cannot decide about yourself; another admin can.")
    if guardian.is_patient or guardian.ended_at:
        raise Refused(f"{guardian.patient} is of age and acts alone.")
