"""Lets a doctor read a history that nobody has allowed them, and has it judged."""

from django.db import transaction
from django.utils import timezone

from ledger.events import Event
from portal.acting import Acting
from portal.errors import Refused
from portal.queueing import queue_with_act
from records.models import EmergencyAccess, Patient
from records.permissions import (
    check_may_open_emergency,
    check_may_review,
    emergency_access,
)
from records.recording import Happening, record

SHORTEST_REASON = 10
"""Letters; shorter than any sentence that a review could judge."""


@transaction.atomic
def open_emergency(*, patient: Patient, reason: str, by: Acting) -> EmergencyAccess:
    """Let a doctor read a whole history for an hour, whatever the family has allowed.

    Who may: a doctor of any hospital, who has just given the password again.
    Records: EMERGENCY_OPENED, signed by the doctor's hospital; each reading is
        recorded as always.
    Effects: read-only, with the patient's key: no key is wrapped, so nothing is left
        when the hour ends. Guardians and the hospital's admins are told by mail and
        in the portal; an admin of the hospital judges it.

    Raises:
        Refused: no doctor, no reason that could be judged, or one is open already.
    """
    institution = check_may_open_emergency(by)
    if len(reason.strip()) < SHORTEST_REASON:
        raise Refused("Say in a sentence why this cannot wait; the family reads it.")
    if emergency_access(by, patient):
        raise Refused("Your emergency access to this history is open already.")
    access = EmergencyAccess.objects.create(
        patient=patient, institution=institution, doctor=by.user, reason=reason.strip()
    )
    _record(access, Event.EMERGENCY_OPENED, by)
    queue_with_act("records.tasks.tell_of_emergency", access.pk)
    return access


@transaction.atomic
def review_emergency(
    *, access: EmergencyAccess, is_justified: bool, note: str, by: Acting
) -> None:
    """Say whether an emergency access was justified.

    Who may: an admin of the doctor's hospital; not the doctor.
    Records: EMERGENCY_JUSTIFIED or EMERGENCY_UNJUSTIFIED, which the family sees.

    Raises:
        Refused: no admin there, judged before, or *not justified* without a word.
    """
    check_may_review(by, access)
    if not is_justified and not note.strip():
        raise Refused("Say what was not right; the family reads it.")
    changed = EmergencyAccess.objects.filter(pk=access.pk, reviewed_at=None).update(
        reviewed_by=by.user,
        reviewed_at=timezone.now(),
        is_justified=is_justified,
        note=note.strip(),
    )
    if not changed:
        raise Refused("This access was judged before.")
    event = Event.EMERGENCY_JUSTIFIED if is_justified else Event.EMERGENCY_UNJUSTIFIED
    _record(access, event, by)


def _record(access: EmergencyAccess, event: Event, by: Acting) -> None:
    record(
        Happening(
            event=event,
            patient=access.patient,
            institution=access.institution,
            author=access.institution.holder_id,
            by=by.user,
            metadata={"emergency": access.pk},
        )
    )
