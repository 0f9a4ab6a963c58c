"""What the shell around every page shows of a person's family."""

from typing import Any

from django.http import HttpRequest

from portal.acting import Acting
from records.models import Guardian


def family(request: HttpRequest) -> dict[str, Any]:
    """Whether somebody who acts for an institution is also a guardian."""
    acting: Acting | None = getattr(request, "acting", None)
    if acting is None or acting.membership is None:
        return {"has_family": False}
    return {"has_family": Guardian.objects.filter(user=acting.user).exists()}
