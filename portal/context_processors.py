"""What the shell around every page shows."""

from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse

from portal.acting import Acting
from portal.relations import relations


@dataclass(frozen=True)
class Place:
    """One entry of the rail."""

    label: str
    url: str
    icon: str
    current: bool


def shell(request: HttpRequest) -> dict[str, Any]:
    """The rail's places, the institution acted for, the others to switch to."""
    acting: Acting | None = getattr(request, "acting", None)
    if acting is None:
        return {"places": [], "current_institution": None, "memberships": []}
    return {
        "acting": acting,
        "places": _places(request, relations(acting)),
        "current_institution": acting.institution.name if acting.institution else None,
        "memberships": acting.user.memberships.select_related("institution"),
    }


def _places(request: HttpRequest, held: set[str]) -> list[Place]:
    found = []
    for label, name, icon, wanted in settings.PLACES:
        if held & wanted:
            url = reverse(name)
            found.append(Place(label, url, icon, request.path.startswith(url)))
    return found
