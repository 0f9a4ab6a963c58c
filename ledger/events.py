"""Every kind of event, with the sentence its family reads."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from types import MappingProxyType


class Event(IntEnum):
    """What a statement is about; the numbers are on the ledger for ever."""

    INSTITUTION_REGISTERED = 1
    MEMBER_ADDED = 2
    KEY_CREATED = 3
    PATIENT_REGISTERED = 10
    PATIENT_ENROLLED = 11
    ENROLMENT_ENDED = 12
    GUARDIAN_ADDED = 13
    GUARDIAN_FROZEN = 14
    GUARDIAN_RESTORED = 15
    DOCUMENT_ADDED = 20
    DOCUMENT_OPENED = 21
    CONSENT_GRANTED = 30
    CONSENT_WITHDRAWN = 31
    GRADING_REQUESTED = 40
    GRADE_RECORDED = 41
    GRADING_FAILED = 42
    GRADING_CANCELLED = 43
    GRADE_ACCEPTED = 44
    GRADE_OVERRULED = 45
    LOG_ANCHORED = 50


@dataclass(frozen=True)
class EventText:
    """How an event is written in an address and in a sentence."""

    slug: str
    sentence: str


EVENTS: Mapping[Event, EventText] = MappingProxyType(
    {
        Event.INSTITUTION_REGISTERED: EventText(
            "institution-registered", "A hospital joined the portal."
        ),
        Event.MEMBER_ADDED: EventText(
            "member-added", "A person started to work for a hospital."
        ),
        Event.KEY_CREATED: EventText(
            "key-created", "A new key for signing or sealing was made."
        ),
        Event.PATIENT_REGISTERED: EventText(
            "patient-registered", "A patient's history was started."
        ),
        Event.PATIENT_ENROLLED: EventText(
            "patient-enrolled", "A hospital took the patient into its care."
        ),
        Event.ENROLMENT_ENDED: EventText(
            "enrolment-ended", "The patient left a hospital's care."
        ),
        Event.GUARDIAN_ADDED: EventText(
            "guardian-added", "A guardian may now act for the patient."
        ),
        Event.GUARDIAN_FROZEN: EventText(
            "guardian-frozen", "A guardian may not act for the patient for now."
        ),
        Event.GUARDIAN_RESTORED: EventText(
            "guardian-restored", "A guardian may act for the patient again."
        ),
        Event.DOCUMENT_ADDED: EventText(
            "document-added", "A document was added to the history."
        ),
        Event.DOCUMENT_OPENED: EventText("document-opened", "A document was read."),
        Event.CONSENT_GRANTED: EventText(
            "consent-granted", "A hospital was allowed to read the history."
        ),
        Event.CONSENT_WITHDRAWN: EventText(
            "consent-withdrawn", "A hospital may no longer read the history."
        ),
        Event.GRADING_REQUESTED: EventText(
            "grading-requested", "A doctor asked the computer to grade an image."
        ),
        Event.GRADE_RECORDED: EventText(
            "grade-recorded", "The computer gave its answer about an image."
        ),
        Event.GRADING_FAILED: EventText(
            "grading-failed", "The computer could not grade an image."
        ),
        Event.GRADING_CANCELLED: EventText(
            "grading-cancelled", "The grading of an image was called off."
        ),
        Event.GRADE_ACCEPTED: EventText(
            "grade-accepted", "A doctor agreed with the computer's grade."
        ),
        Event.GRADE_OVERRULED: EventText(
            "grade-overruled",
            "A doctor set a grade that differs from the computer's.",
        ),
        Event.LOG_ANCHORED: EventText(
            "log-anchored", "The ledger of another site was recorded in this one."
        ),
    }
)
