"""As whom somebody acts: the person, with the one institution they act for."""

from dataclasses import dataclass
from typing import cast

from django.http import HttpRequest
from rest_framework.request import Request

from portal.models import Institution, Membership, User
from portal.roles import Permission, allows
from portal.row_security import Party

SESSION_KEY = "acting_for"


@dataclass(frozen=True)
class Acting:
    """A signed-in person, with the membership they act under, if any."""

    user: User
    membership: Membership | None = None

    @property
    def institution(self) -> Institution | None:
        """The institution acted for."""
        return self.membership.institution if self.membership else None

    @property
    def party(self) -> Party:
        """As whom the database is asked."""
        at = self.institution.pk if self.institution else None
        return Party(person=self.user.pk, institution=at)

    def may(self, permission: Permission) -> bool:
        """Whether the role acted under holds the permission."""
        return allows(self.membership.role if self.membership else None, permission)


class SignedInRequest(HttpRequest):
    """A request behind `login_required`; the middleware sets `acting`."""

    acting: Acting


def signed_in(request: Request) -> SignedInRequest:
    """The request under an API's request, as which the access rule knows it."""
    return cast(SignedInRequest, request._request)  # noqa: SLF001 - REST framework's API


def acting_for(user: User, institution_id: int | None) -> Acting:
    """The person acting for that institution, else for their first."""
    memberships = list(user.memberships.select_related("institution").order_by("since"))
    chosen = [m for m in memberships if m.institution_id == institution_id]
    return Acting(user, next(iter(chosen + memberships), None))
