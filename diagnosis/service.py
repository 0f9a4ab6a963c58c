"""The diagnosis service: an institution of its own with its own keys."""

from portal.errors import Refused
from portal.models import Institution


def diagnosis_service() -> Institution:
    """The one institution that grades.

    Raises:
        Refused: the site has none yet.
    """
    service = Institution.objects.filter(
        kind=Institution.Kind.DIAGNOSIS_SERVICE
    ).first()
    if service is None:
        raise Refused("This site has no diagnosis service yet.")
    return service
