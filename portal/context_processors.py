"""What the shell around every page shows."""

from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse

from ledger.health import forks
from portal.acting import Acting
from portal.roles import SEE_HEALTH


@dataclass(frozen=True)
class Place:
    """One entry of the rail."""

    label: str
    url: str
    icon: str
    current: bool


def shell(request: HttpRequest) -> dict[str, Any]:
    """The rail's places, the institution acted for, the others to switch to, the bell."""
    acting: Acting | None = getattr(request, "acting", None)
    if acting is None:
        return {"places": [], "current_institution": None, "memberships": []}
    return {
        "acting": acting,
        "places": _places(request, acting),
        "current_institution": acting.institution.name if acting.institution else None,
        "memberships": acting.user.memberships.select_related("institution"),
        "unread": acting.user.notifications.unread().count(),
        "forked_logs": forks() if acting.may(SEE_HEALTH) else [],
    }


def _places(request: HttpRequest, acting: Acting) -> list[Place]:
    # Who acts for no institution is here for their family.
    visitor = acting.membership.role if acting.membership else "guardian"
    found = []
    for label, name, icon, wanted in settings.PLACES:
        if visitor in wanted:
            url = reverse(name)
            found.append(Place(label, url, icon, request.path.startswith(url)))
    return found
