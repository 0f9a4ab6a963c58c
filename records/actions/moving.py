"""Moves a patient from hospital to hospital in one act."""

from collections.abc import Collection

from django.db import transaction

from portal.acting import Acting
from portal.errors import Refused
from portal.models import Institution
from records.actions.consents import NewConsent, grant_consent
from records.actions.patients import end_enrolment
from records.models import Consent, Patient


@transaction.atomic
def move_patient(
    *, patient: Patient, new: NewConsent, leaving: Collection[Institution], by: Acting
) -> Consent:
    """Let the new hospital read and end the care at the old ones, or neither.

    Who may: a guardian of the patient.
    Records: CONSENT_GRANTED, then ENROLMENT_ENDED for each hospital that is left.
    Effects: as those of grant_consent() and end_enrolment().

    Raises:
        Refused: as those; or a hospital would be left that is moved to, or that does
            not have the patient in its care. Nothing changed.
        KeyUnavailable: a key cannot be used now; nothing changed.
        RecordDamaged: a document's key does not open; nothing changed.
    """
    if new.institution in leaving:
        raise Refused(f"{new.institution} cannot be the old hospital and the new one.")
    consent = grant_consent(patient=patient, new=new, by=by)
    for institution in leaving:
        enrolment = patient.enrolments.filter(
            institution=institution, ended_at=None
        ).first()
        if enrolment is None:
            raise Refused(f"{institution} does not have {patient} in its care.")
        end_enrolment(enrolment=enrolment, by=by)
    return consent
