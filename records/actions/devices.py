"""Lets devices send images, and stops them."""

from dataclasses import dataclass
from datetime import datetime

from django.db import IntegrityError, transaction
from django.utils import timezone

from ledger.events import Event
from portal.acting import Acting
from portal.errors import Refused
from portal.models import Institution
from portal.row_security import UPKEEP, in_the_name_of
from records.device_identity import new_ae_title, new_token, token_hash
from records.device_rules import check_may_enrol_device, check_may_revoke_device
from records.models import Device, DeviceWard, Patient
from records.permissions import wards
from records.recording import Happening, record


@dataclass(frozen=True, kw_only=True)
class NewDevice:
    """What is said of a device before it may send."""

    name: str
    institution: Institution
    for_family: bool
    until: datetime
    certificate: str = ""
    """SHA-256 of its client certificate, 64 hexadecimal digits."""


@transaction.atomic
def enrol_device(
    *, new: NewDevice, patients: list[Patient], by: Acting
) -> tuple[Device, str]:
    """Let a device send images of these patients, of nobody else.

    Who may: a guardian of all of them; an admin of the hospital into whose care the
        images go. That hospital has all of them in its care.
    Records: DEVICE_ENROLLED, about each patient, signed with the key of the hospital
        or of the patient.
    Effects: of the token only its hash is kept.

    Returns:
        the device, with its token: nobody can show it again.

    Raises:
        Refused: not allowed, a day that has passed, or a certificate that names
            another device.
    """
    check_may_enrol_device(by, patients, new.institution, for_family=new.for_family)
    if new.until <= timezone.now():
        raise Refused("Choose a day that is still to come.")
    token = new_token()
    try:
        with transaction.atomic():
            device = Device.objects.create(
                name=new.name,
                institution=new.institution,
                for_family=new.for_family,
                enrolled_by=by.user,
                token_hash=token_hash(token),
                ae_title=new_ae_title(),
                certificate=new.certificate,
                expires_at=new.until,
            )
    except IntegrityError as error:
        raise Refused("This certificate already names another device.") from error
    DeviceWard.objects.bulk_create(
        [DeviceWard(device=device, patient=patient) for patient in patients]
    )
    for patient in patients:
        _record(device, patient, Event.DEVICE_ENROLLED, by, in_family=new.for_family)
    return device, token


@transaction.atomic
def revoke_device(*, device: Device, by: Acting) -> None:
    """Stop a device for good.

    Who may: an admin of the hospital into whose care its images go; of a family's
        device, a guardian of one of the patients.
    Records: DEVICE_REVOKED, about each patient.
    Effects: from now on its token says nothing; what it sent stays.

    Raises:
        Refused: not allowed, or it was revoked before.
    """
    check_may_revoke_device(by, device)
    changed = Device.objects.filter(pk=device.pk, revoked_at=None).update(
        revoked_at=timezone.now()
    )
    if not changed:
        raise Refused("This device was revoked before.")
    mine = set(wards(by.user).values_list("pk", flat=True))
    # It ends for children too of whom this person may not know.
    with in_the_name_of(UPKEEP):
        for ward in device.wards.select_related("patient").order_by("pk"):
            in_family = device.for_family and ward.patient_id in mine
            _record(device, ward.patient, Event.DEVICE_REVOKED, by, in_family=in_family)


def _record(
    device: Device, patient: Patient, event: Event, by: Acting, *, in_family: bool
) -> None:
    author = patient.holder_id if in_family else device.institution.holder_id
    record(
        Happening(
            event=event,
            patient=patient,
            institution=device.institution,
            author=author,
            by=by.user,
            metadata={"for_device": str(device.pk)},
        )
    )
