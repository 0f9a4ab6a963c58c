"""Lets more than one person act for a patient."""

from django.db import IntegrityError, transaction

from ledger.events import Event
from portal.accounts import find_or_create_account
from portal.acting import Acting
from portal.errors import Refused
from records.models import Guardian, Patient
from records.permissions import check_may_verify_guardians
from records.recording import Happening, record


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
        Refused: no admin there, the admin themselves, or somebody who is a guardian
            of the patient already.
    """
    institution = check_may_verify_guardians(by, patient)
    user = find_or_create_account(email=email, full_name=full_name)
    if user == by.user:
        raise Refused("You cannot make yourself a guardian; another admin can.")
    try:
        with transaction.atomic():
            guardian = Guardian.objects.create(patient=patient, user=user)
    except IntegrityError as error:
        raise Refused(f"{user} is a guardian of {patient} already.") from error
    record(
        Happening(
            event=Event.GUARDIAN_ADDED,
            patient=patient,
            institution=institution,
            author=institution.holder_id,
            by=by.user,
        )
    )
    return guardian
