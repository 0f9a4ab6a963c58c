"""What the shell around every page shows of families, and of what waits for an admin."""

from typing import Any

from django.http import HttpRequest

from portal.acting import Acting
from portal.roles import DECIDE_ERASURES, REVIEW_EMERGENCIES
from records.models import EmergencyAccess, Erasure, Guardian


def family(request: HttpRequest) -> dict[str, Any]:
    """Whether somebody who acts for an institution is also a guardian."""
    acting: Acting | None = getattr(request, "acting", None)
    if acting is None or acting.membership is None:
        return {"has_family": False}
    return {"has_family": Guardian.objects.acting(acting.user).exists()}


def waiting(request: HttpRequest) -> dict[str, Any]:
    """How many emergencies and erasures wait for the admin's word."""
    acting: Acting | None = getattr(request, "acting", None)
    found = {"emergencies_waiting": 0, "erasures_waiting": 0}
    if acting is None or acting.institution is None:
        return found
    if acting.may(REVIEW_EMERGENCIES):
        opened = EmergencyAccess.objects.filter(institution=acting.institution)
        others = opened.waiting().exclude(doctor=acting.user)
        found["emergencies_waiting"] = others.count()
    if acting.may(DECIDE_ERASURES):
        asked = Erasure.objects.filter(institution=acting.institution, decision="")
        found["erasures_waiting"] = asked.count()
    return found
