"""How long a hospital must keep what it made."""

from dataclasses import dataclass
from datetime import date
from uuid import UUID

from django.utils import timezone

from portal.models import Institution
from records.models import Document, Erasure


def may_go_from(document: Document, institution: Institution) -> date:
    """The first day on which the hospital need not keep the document any more."""
    made = timezone.localdate(document.created_at)
    try:
        return made.replace(year=made.year + institution.retention_years)
    except ValueError:  # made on 29 February
        return date(made.year + institution.retention_years, 3, 1)


@dataclass(frozen=True)
class Due:
    """What may be erased today of what a hospital made, and until when the rest stays."""

    hospital: Institution
    going: list[UUID]
    staying: list[date]

    @property
    def why_nothing(self) -> str:
        """Why nothing may be erased today."""
        if not self.staying:
            return "Nothing is left to be erased."
        return (
            f"Nothing may be erased before {min(self.staying):%-d %B %Y}: your hospital"
            f" keeps what it made for {self.hospital.retention_years} years."
        )


def due(erasure: Erasure) -> Due:
    """What an erasure may take today; copies for the service go with what they are of."""
    hospital, today = erasure.institution, timezone.localdate()
    made = erasure.patient.documents.kept().filter(institution=hospital)
    ends = [(document.pk, may_go_from(document, hospital)) for document in made]
    going = [pk for pk, end in ends if end <= today]
    return Due(hospital, going, [end for _pk, end in ends if end > today])
