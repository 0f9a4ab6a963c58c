"""For whom a device may send, and who may steer it."""

from django.db.models import Exists, OuterRef, Q, QuerySet

from portal.acting import Acting
from portal.errors import Refused
from portal.models import Institution
from portal.roles import MANAGE_DEVICES
from portal.sealed_fields import blind_indexes
from records.models import Device, DeviceWard, Enrolment, Guardian, Patient
from records.permissions import visible_patients, wards

WHY_NOT = "This device may not send images of this patient."
"""The same for every reason: a device learns nothing of who is known here."""


def wards_of(device: Device) -> QuerySet[Patient]:
    """The children for whom the device may send now.

    Those it was enrolled for, while they are in care where its images go; for a
    family's device, while who enrolled it acts for them.
    """
    if not Device.objects.live().filter(pk=device.pk).exists():
        return Patient.objects.none()
    in_care = Enrolment.objects.filter(
        patient=OuterRef("pk"), institution=device.institution_id, ended_at=None
    )
    found = Patient.objects.filter(
        Exists(in_care), pk__in=device.wards.values("patient")
    )
    if not device.for_family:
        return found
    acting = Guardian.objects.active().filter(
        patient=OuterRef("pk"), user=device.enrolled_by_id
    )
    return found.filter(Exists(acting))


def check_device_may_send(device: Device, patient: Patient) -> None:
    """Refuse a device that was not enrolled for the patient, or no longer is.

    Raises:
        Refused: revoked, run out, another patient's, or the care has ended.
    """
    if not wards_of(device).filter(pk=patient.pk).exists():
        raise Refused(WHY_NOT)


def child_for(device: Device, number: str) -> Patient:
    """The child whom an image from the device shows.

    The one child of a device that has one; else the one whose hospital number the
    image gives.

    Raises:
        Refused: nobody whom the device may send for; not who else has the number.
    """
    found = wards_of(device)
    if device.wards.count() != 1:
        if not number.strip():
            raise Refused(
                "This device sends for several children. Give each image its patient's"
                " hospital number, in DICOM as the Patient ID."
            )
        # Folded as reception types it: DICOM pads with blanks.
        indexes = blind_indexes(number, purpose="hospital number")
        here = Enrolment.objects.filter(
            institution=device.institution_id, number_index__in=indexes, ended_at=None
        )
        found = found.filter(pk__in=here.values("patient"))
    patient = found.first()
    if patient is None:
        raise Refused(
            "This device may send for no patient with this hospital number. Check the"
            " number, and for whom the device is enrolled."
        )
    return patient


def known_devices(acting: Acting, *, for_family: bool) -> QuerySet[Device]:
    """The devices on a person's page: their hospital's, or those of their children."""
    if for_family:
        mine = DeviceWard.objects.filter(patient__in=wards(acting.user))
        return Device.objects.filter(
            Q(pk__in=mine.values("device"))
            | Q(enrolled_by=acting.user, for_family=True)
        )
    check_may_manage_devices(acting)
    return Device.objects.filter(institution=acting.institution)


def patient_names(acting: Acting, device: Device) -> list[str]:
    """Of whom it sends images: those of whom the acting person may know."""
    known = visible_patients(acting).filter(pk__in=device.wards.values("patient"))
    return [patient.full_name for patient in known]


def check_may_manage_devices(acting: Acting) -> Institution:
    """The hospital for which the acting person enrols devices.

    Raises:
        Refused: no admin of a hospital.
    """
    if acting.institution is None or not acting.may(MANAGE_DEVICES):
        raise Refused("Only a hospital's admin can enrol devices for it.")
    return acting.institution


def check_may_enrol_device(
    acting: Acting,
    patients: list[Patient],
    institution: Institution,
    *,
    for_family: bool,
) -> None:
    """Refuse whoever may not let a device send images of these patients.

    Raises:
        Refused: not all of them are in the care of the hospital; for a family's
            device, the person does not act for all of them; else no admin there.
    """
    wanted = {patient.pk for patient in patients}
    if not wanted:
        raise Refused("Say for whom the device may send images.")
    if for_family:
        if wanted - set(wards(acting.user).values_list("pk", flat=True)):
            raise Refused("Only a patient's guardian can enrol a device for them.")
    elif check_may_manage_devices(acting) != institution:
        raise Refused(f"Only an admin of {institution} can enrol devices for it.")
    here = Enrolment.objects.filter(institution=institution, ended_at=None)
    if wanted - set(here.values_list("patient", flat=True)):
        raise Refused(f"Not all of them are in the care of {institution} now.")


def may_revoke_device(acting: Acting, device: Device) -> bool:
    """Whether the person may end it: an admin where its images go; of a family's, a guardian."""
    if acting.may(MANAGE_DEVICES) and acting.institution == device.institution:
        return True
    mine = device.wards.filter(patient__in=wards(acting.user))
    return device.for_family and (mine.exists() or device.enrolled_by == acting.user)


def check_may_revoke_device(acting: Acting, device: Device) -> None:
    """Refuse whoever may not end a device.

    Raises:
        Refused: neither an admin where its images go nor, of a family's, a guardian.
    """
    if not may_revoke_device(acting, device):
        raise Refused("Only who could enrol this device can revoke it.")
