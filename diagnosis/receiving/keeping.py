"""The one way in for what a device sends, whichever protocol brought it."""

from diagnosis.receiving.identity import Identity
from portal.row_security import in_the_name_of, sending
from records.actions.receiving import Receipt, SentImage, receive_image
from records.device_rules import child_for
from records.models import Device

MEDIA_TYPES = {"png": "image/png", "jpeg": "image/jpeg", "dicom": "application/dicom"}
ENDINGS = {"png": "png", "jpeg": "jpg", "dicom": "dcm"}


def keep(
    device: Device, content: bytes, identity: Identity, *, number: str = ""
) -> Receipt:
    """Keep an image in the history of the child it shows, in the device's name.

    Args:
        device: recognised, live a moment ago.
        content: the file.
        identity: what `identify` read of it.
        number: the patient's hospital number, where the file does not hold it.

    Raises:
        Refused: no child whom the device may send for, or another image came before
            under this SOP Instance UID.
        KeyUnavailable, StoreUnavailable: nothing is recorded; it can be sent again.
    """
    image = SentImage(
        content=content,
        name=f"{identity.instance or identity.digest[:16]}.{ENDINGS[identity.format]}",
        media_type=MEDIA_TYPES[identity.format],
        instance=identity.instance or f"sha256:{identity.digest}",
        digest=identity.digest,
    )
    with in_the_name_of(sending(device.pk)):
        patient = child_for(device, identity.patient_id or number)
        return receive_image(device=device, patient=patient, image=image)
