"""The rows around a patient; what they say of the patient lies sealed."""

from records.models.act import Act
from records.models.consent import Consent
from records.models.device import Device, DeviceWard, Received
from records.models.document import Document
from records.models.emergency import EmergencyAccess
from records.models.enrolment import Enrolment
from records.models.erasure import Erasure
from records.models.key_wrap import KeyWrap
from records.models.patient import Guardian, Patient

__all__ = [
    "Act",
    "Consent",
    "Device",
    "DeviceWard",
    "Document",
    "EmergencyAccess",
    "Enrolment",
    "Erasure",
    "Guardian",
    "KeyWrap",
    "Patient",
    "Received",
]
