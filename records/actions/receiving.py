"""Keeps what devices send, each image once."""

from dataclasses import dataclass
from uuid import UUID

from django.db import transaction

from portal.errors import Refused
from portal.sealed_fields import blind_index, blind_indexes
from records.actions.documents import NewDocument, add_document
from records.device_rules import check_device_may_send
from records.models import Device, Document, Patient, Received

PURPOSE = "received instance"


class DifferentImage(Refused):
    """Another image came before under the same SOP Instance UID; nothing was changed."""


@dataclass(frozen=True, kw_only=True)
class SentImage:
    """An image as a device sent it, decoded once to be sure of it."""

    content: bytes
    name: str
    media_type: str
    instance: str
    """SOP Instance UID, else the digest: by this it is recognised."""
    digest: str
    """SHA-256 of the stored pixels, else of the file, hex: by this it is the same."""


@dataclass(frozen=True)
class Receipt:
    """That an image is kept."""

    document_id: UUID
    is_new: bool


@transaction.atomic
def receive_image(*, device: Device, patient: Patient, image: SentImage) -> Receipt:
    """Keep an image once, however often it is sent.

    Who may: a device that was enrolled for the patient, while the patient is in care
        where its images go.
    Records: DOCUMENT_ADDED, done by the device on behalf of who enrolled it; of a
        family's device, signed with the patient's key. Nothing for a duplicate.
    Effects: those of `add_document`.

    Raises:
        Refused: the device may not send for this patient; nothing is stored.
        DifferentImage: its SOP Instance UID is that of another image.
        KeyUnavailable, StoreUnavailable: nothing is recorded.
    """
    check_device_may_send(device, patient)
    # Who sends the same image at the same moment waits here, then finds it.
    patient.hold_readers()
    if known := _known(device, patient, image):
        return known
    document = add_document(
        patient=patient,
        institution=device.institution,
        by=device,
        new=NewDocument(
            kind=Document.Kind.IMAGE,
            name=image.name,
            media_type=image.media_type,
            content=[image.content],
            signed_by=patient.holder_id if device.for_family else None,
        ),
    )
    Received.objects.create(
        document=document,
        patient=patient,
        institution=device.institution,
        instance=image.instance,
        instance_index=blind_index(image.instance, purpose=PURPOSE),
        digest=image.digest,
    )
    return Receipt(document.pk, is_new=True)


def _known(device: Device, patient: Patient, image: SentImage) -> Receipt | None:
    """The receipt of when it came before, to the same hospital."""
    found = Received.objects.filter(
        patient=patient,
        institution=device.institution,
        instance_index__in=blind_indexes(image.instance, purpose=PURPOSE),
    ).first()
    if found is None:
        return None
    if found.digest != image.digest:
        raise DifferentImage(
            "Another image was received under this SOP Instance UID. An image that was"
            " changed needs a new one."
        )
    return Receipt(found.document_id, is_new=False)
