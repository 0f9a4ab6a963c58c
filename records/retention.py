"""How long a hospital must keep what it made."""

from datetime import date

from django.utils import timezone

from portal.models import Institution
from records.models import Document


def may_go_from(document: Document, institution: Institution) -> date:
    """The first day on which the hospital need not keep the document any more."""
    made = timezone.localdate(document.created_at)
    try:
        return made.replace(year=made.year + institution.retention_years)
    except ValueError:  # made on 29 February
        return date(made.year + institution.retention_years, 3, 1)
