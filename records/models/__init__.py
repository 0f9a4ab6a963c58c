"""The rows around a patient; what they say of the patient lies sealed."""

from records.models.act import Act
from records.models.consent import Consent
from records.models.document import Document
from records.models.enrolment import Enrolment
from records.models.key_wrap import KeyWrap
from records.models.patient import Guardian, Patient

__all__ = ["Act", "Consent", "Document", "Enrolment", "Guardian", "KeyWrap", "Patient"]
