"""Every event has its words, and keeps its number."""

import re

from ledger.events import EVENTS, Event


def test_every_event_has_a_sentence_of_its_own():
    assert set(EVENTS) == set(Event)
    sentences = [text.sentence for text in EVENTS.values()]
    assert len(set(sentences)) == len(sentences)
    for sentence in sentences:
        assert re.fullmatch(r"[A-Z][^.]{10,80}\.", sentence)


def test_every_slug_is_made_of_the_event_s_name():
    for event, text in EVENTS.items():
        assert text.slug == event.name.lower().replace("_", "-")


def test_numbers_that_are_on_ledgers_stay():
    assert {event.name: event.value for event in Event} == {
        "INSTITUTION_REGISTERED": 1, "MEMBER_ADDED": 2, "KEY_CREATED": 3, "RULES_CHANGED": 4,
        "PATIENT_REGISTERED": 10, "PATIENT_ENROLLED": 11, "ENROLMENT_ENDED": 12,
        "GUARDIAN_ADDED": 13, "GUARDIAN_FROZEN": 14, "GUARDIAN_RESTORED": 15,
        "GUARDIANSHIP_ENDED": 16, "PATIENT_TOOK_OVER": 17, "DOCUMENT_ADDED": 20, "DOCUMENT_OPENED": 21, "DOCUMENT_RESEALED": 23,
        "CONSENT_GRANTED": 30, "CONSENT_WITHDRAWN": 31,
        "EMERGENCY_OPENED": 32, "EMERGENCY_JUSTIFIED": 33, "EMERGENCY_UNJUSTIFIED": 34, "GRADING_REQUESTED": 40,
        "GRADE_RECORDED": 41, "GRADING_FAILED": 42, "GRADING_CANCELLED": 43,
        "GRADE_ACCEPTED": 44, "GRADE_OVERRULED": 45, "GRADE_UNDECIDED": 46,
        "LOG_ANCHORED": 50, "ERASURE_ASKED": 60, "ERASURE_DONE": 61, "ERASURE_REFUSED": 62,
        "MODEL_REGISTERED": 70, "MODEL_SHADOWED": 71, "MODEL_ACTIVATED": 72, "MODEL_RETIRED": 73,
        "DEVICE_ENROLLED": 90, "DEVICE_REVOKED": 91,
        "DATA_SET_ADDED": 100, "DATA_SET_CHECKED": 101, "DATA_SET_REFUSED": 102, "DATA_SET_STORED": 103,
        "DATA_SET_GIVEN": 104, "DATA_SET_FETCHED": 105, "DATA_SET_GRADED": 106, "DATA_SET_FAILED": 107,
        "DATA_SET_CANCELLED": 108, "RESULTS_FETCHED": 109, "EXCHANGE_COMPARED": 110,
        "VALIDATION_RECORDED": 111, "VALIDATION_PUBLISHED": 112,
    }  # fmt: skip
