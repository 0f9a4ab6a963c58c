"""Every kind of event, with the sentence its family reads."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum, unique
from types import MappingProxyType


@unique
class Event(IntEnum):
    """What a statement is about; the numbers are on the ledger for ever."""

    INSTITUTION_REGISTERED = 1
    MEMBER_ADDED = 2
    KEY_CREATED = 3
    RULES_CHANGED = 4
    PATIENT_REGISTERED = 10
    PATIENT_ENROLLED = 11
    ENROLMENT_ENDED = 12
    GUARDIAN_ADDED = 13
    GUARDIAN_FROZEN = 14
    GUARDIAN_RESTORED = 15
    GUARDIANSHIP_ENDED = 16
    PATIENT_TOOK_OVER = 17
    DOCUMENT_ADDED = 20
    DOCUMENT_OPENED = 21
    DOCUMENT_RESEALED = 23
    CONSENT_GRANTED = 30
    CONSENT_WITHDRAWN = 31
    EMERGENCY_OPENED = 32
    EMERGENCY_JUSTIFIED = 33
    EMERGENCY_UNJUSTIFIED = 34
    GRADING_REQUESTED = 40
    GRADE_RECORDED = 41
    GRADING_FAILED = 42
    GRADING_CANCELLED = 43
    GRADE_ACCEPTED = 44
    GRADE_OVERRULED = 45
    GRADE_UNDECIDED = 46
    LOG_ANCHORED = 50
    ERASURE_ASKED = 60
    ERASURE_DONE = 61
    ERASURE_REFUSED = 62
    MODEL_REGISTERED = 70
    MODEL_SHADOWED = 71
    MODEL_ACTIVATED = 72
    MODEL_RETIRED = 73
    DEVICE_ENROLLED = 90
    DEVICE_REVOKED = 91
    DATA_SET_ADDED = 100
    DATA_SET_CHECKED = 101
    DATA_SET_REFUSED = 102
    DATA_SET_STORED = 103
    DATA_SET_GIVEN = 104
    DATA_SET_FETCHED = 105
    DATA_SET_GRADED = 106
    DATA_SET_FAILED = 107
    DATA_SET_CANCELLED = 108
    RESULTS_FETCHED = 109
    EXCHANGE_COMPARED = 110
    VALIDATION_RECORDED = 111
    VALIDATION_PUBLISHED = 112


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
        Event.RULES_CHANGED: EventText(
            "rules-changed", "A hospital changed its age of majority or its retention."
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
        Event.GUARDIANSHIP_ENDED: EventText(
            "guardianship-ended", "A guardian no longer acts for the patient."
        ),
        Event.PATIENT_TOOK_OVER: EventText(
            "patient-took-over", "The patient is of age and acts alone from now on."
        ),
        Event.DOCUMENT_ADDED: EventText(
            "document-added", "A document was added to the history."
        ),
        Event.DOCUMENT_OPENED: EventText("document-opened", "A document was read."),
        Event.DOCUMENT_RESEALED: EventText(
            "document-resealed", "A document was sealed again under a new key."
        ),
        Event.CONSENT_GRANTED: EventText(
            "consent-granted", "A hospital was allowed to read the history."
        ),
        Event.CONSENT_WITHDRAWN: EventText(
            "consent-withdrawn", "A hospital may no longer read the history."
        ),
        Event.EMERGENCY_OPENED: EventText(
            "emergency-opened", "A doctor opened the history in an emergency."
        ),
        Event.EMERGENCY_JUSTIFIED: EventText(
            "emergency-justified", "A hospital found an emergency access justified."
        ),
        Event.EMERGENCY_UNJUSTIFIED: EventText(
            "emergency-unjustified",
            "A hospital found an emergency access not justified.",
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
        Event.GRADE_UNDECIDED: EventText(
            "grade-undecided",
            "A doctor could not tell whether the computer's grade is right.",
        ),
        Event.LOG_ANCHORED: EventText(
            "log-anchored", "The ledger of another site was recorded in this one."
        ),
        Event.ERASURE_ASKED: EventText(
            "erasure-asked", "The family asked a hospital to erase its documents."
        ),
        Event.ERASURE_DONE: EventText(
            "erasure-done", "A hospital erased documents of the patient."
        ),
        Event.ERASURE_REFUSED: EventText(
            "erasure-refused", "A hospital did not erase what it was asked to."
        ),
        Event.MODEL_REGISTERED: EventText(
            "model-registered", "A version of the grading networks was registered."
        ),
        Event.MODEL_SHADOWED: EventText(
            "model-shadowed",
            "A version of the networks is tried beside the active one.",
        ),
        Event.MODEL_ACTIVATED: EventText(
            "model-activated", "A version of the networks grades from now on."
        ),
        Event.MODEL_RETIRED: EventText(
            "model-retired", "A version of the networks no longer grades."
        ),
        Event.DEVICE_ENROLLED: EventText(
            "device-enrolled", "A device was allowed to send images of the patient."
        ),
        Event.DEVICE_REVOKED: EventText(
            "device-revoked", "A device may no longer send images of the patient."
        ),
        Event.DATA_SET_ADDED: EventText(
            "data-set-added", "A hospital sent a data set to be looked at."
        ),
        Event.DATA_SET_CHECKED: EventText(
            "data-set-checked", "A hospital looked at every file of a data set."
        ),
        Event.DATA_SET_REFUSED: EventText(
            "data-set-refused", "A data set had no image that could be used."
        ),
        Event.DATA_SET_STORED: EventText(
            "data-set-stored", "A hospital put a data set without names into the store."
        ),
        Event.DATA_SET_GIVEN: EventText(
            "data-set-given", "A hospital gave a data set to the diagnosis service."
        ),
        Event.DATA_SET_FETCHED: EventText(
            "data-set-fetched", "The diagnosis service fetched a data set."
        ),
        Event.DATA_SET_GRADED: EventText(
            "data-set-graded", "The diagnosis service put its results into the store."
        ),
        Event.DATA_SET_FAILED: EventText(
            "data-set-failed", "The computer could not grade a data set."
        ),
        Event.DATA_SET_CANCELLED: EventText(
            "data-set-cancelled", "The grading of a data set was called off."
        ),
        Event.RESULTS_FETCHED: EventText(
            "results-fetched", "A hospital fetched the results on its data set."
        ),
        Event.EXCHANGE_COMPARED: EventText(
            "exchange-compared",
            "A hospital graded a data set directly, too, and compared.",
        ),
        Event.VALIDATION_RECORDED: EventText(
            "validation-recorded", "A hospital measured the networks on its own labels."
        ),
        Event.VALIDATION_PUBLISHED: EventText(
            "validation-published", "A hospital published what it measured."
        ),
    }
)
