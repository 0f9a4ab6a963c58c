"""Narrows a history to what somebody looks for."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from django.db.models import QuerySet, TextChoices
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from ledger.events import Event
from portal.models import Institution
from records.models import Act


class Topic(TextChoices):
    """What acts are about, as people sort them."""

    IMAGES = "images", _("Images")
    GRADES = "grades", _("AI grades and verdicts")
    CARE = "care", _("Care and guardians")
    PERMISSIONS = "permissions", _("Permissions, emergencies, erasures")
    KEYS = "keys", _("Keys")


EVENTS_OF: Mapping[Topic, frozenset[Event]] = {
    Topic.IMAGES: frozenset({Event.DOCUMENT_ADDED}),
    Topic.GRADES: frozenset(
        {
            Event.GRADING_REQUESTED,
            Event.GRADE_RECORDED,
            Event.GRADING_FAILED,
            Event.GRADING_CANCELLED,
            Event.GRADE_ACCEPTED,
            Event.GRADE_OVERRULED,
            Event.GRADE_UNDECIDED,
        }
    ),
    Topic.CARE: frozenset(
        {
            Event.PATIENT_REGISTERED,
            Event.PATIENT_ENROLLED,
            Event.ENROLMENT_ENDED,
            Event.GUARDIAN_ADDED,
            Event.GUARDIAN_FROZEN,
            Event.GUARDIAN_RESTORED,
            Event.GUARDIANSHIP_ENDED,
            Event.PATIENT_TOOK_OVER,
        }
    ),
    Topic.PERMISSIONS: frozenset(
        {
            Event.CONSENT_GRANTED,
            Event.CONSENT_WITHDRAWN,
            Event.EMERGENCY_OPENED,
            Event.EMERGENCY_JUSTIFIED,
            Event.EMERGENCY_UNJUSTIFIED,
            Event.ERASURE_ASKED,
            Event.ERASURE_DONE,
            Event.ERASURE_REFUSED,
        }
    ),
    Topic.KEYS: frozenset({Event.KEY_CREATED, Event.DOCUMENT_RESEALED}),
}


@dataclass(frozen=True)
class Narrowing:
    """Which acts of a history are wanted; everything that is not said is."""

    hospital: Institution | None = None
    topic: Topic | None = None
    first: date | None = None  # both days are in it, in the site's time zone
    last: date | None = None

    def __bool__(self) -> bool:
        return self != Narrowing()

    def of(self, acts: QuerySet[Act]) -> QuerySet[Act]:
        """Those that are wanted."""
        if self.hospital:
            acts = acts.filter(institution=self.hospital)
        if self.topic:
            acts = acts.filter(event__in=EVENTS_OF[self.topic])
        if self.first:
            acts = acts.filter(at__gte=_start_of(self.first))
        if self.last:
            acts = acts.filter(at__lt=_start_of(self.last + timedelta(days=1)))
        return acts


def _start_of(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, time.min))
