"""Gives patients new keys."""

from django.db import transaction

from ledger.events import Event
from portal.keys import renew
from records.models import Patient
from records.recording import Happening, Sealing, record


@transaction.atomic
def renew_patient_keys(*, patient: Patient) -> None:
    """Give a patient new keys in place of the old ones.

    Who may: whoever holds the machine.
    Records: KEY_CREATED, about the patient, at the hospital that last took it into
        care; signed as `renew_institution_keys` says.
    Effects: those of `renew_institution_keys`.
    """
    renewal = renew(patient.holder_id)
    record(
        Happening(
            event=Event.KEY_CREATED,
            patient=patient,
            institution=patient.enrolments.latest("started_at").institution,
            author=patient.holder_id,
            by=None,
            sealing=Sealing(key_commitment=renewal.commitment),
        ),
        author=renewal.author,
    )
