"""Who may manage people and institutions."""

from portal.errors import Refused
from portal.models import Institution, Membership, User
from portal.roles import MANAGE_MEMBERS, Permission, allows


def holds(user: User, institution: Institution, permission: Permission) -> bool:
    """Whether the person's role at the institution holds the permission."""
    membership = Membership.objects.filter(user=user, institution=institution).first()
    return membership is not None and allows(membership.role, permission)


def may_manage_members(user: User, institution: Institution) -> bool:
    """Whether the person may add members to the institution."""
    return holds(user, institution, MANAGE_MEMBERS)


def check_may_manage_members(user: User, institution: Institution) -> None:
    """Refuse whoever may not add members.

    Raises:
        Refused: the person is no admin of the institution.
    """
    if not may_manage_members(user, institution):
        raise Refused(f"Only an admin of {institution} can add members.")
