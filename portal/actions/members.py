"""Gives people their roles at institutions."""

from django.db import IntegrityError, transaction

from ledger.appending import append
from ledger.events import Event
from portal.accounts import find_or_create_account
from portal.errors import Refused
from portal.keys import signer
from portal.models import Institution, Membership, User
from portal.permissions import check_may_manage_members
from portal.roles import Role


def add_first_admin(*, institution: Institution, user: User, role: Role) -> Membership:
    """Give a new institution its first member.

    Who may: whoever sets the site up, while the institution has no member.
    Records: MEMBER_ADDED.

    Raises:
        Refused: the institution already has a member.
    """
    if institution.memberships.exists():
        raise Refused(
            f"{institution} already has members; one of its admins adds more."
        )
    return _add(institution, user, role)


def add_member(
    *, institution: Institution, email: str, full_name: str, role: Role, by: User
) -> Membership:
    """Make somebody a colleague; an account is made where there is none.

    Who may: an admin of the institution.
    Records: MEMBER_ADDED.

    Raises:
        Refused: ``by`` is no admin there, or the person already has a role there.
    """
    check_may_manage_members(by, institution)
    with transaction.atomic():
        user = find_or_create_account(email=email, full_name=full_name)
        return _add(institution, user, role)


def _add(institution: Institution, user: User, role: Role) -> Membership:
    try:
        with transaction.atomic():
            membership = Membership.objects.create(
                institution=institution, user=user, role=role
            )
            append(
                event=Event.MEMBER_ADDED,
                tenant=institution.pk,
                author=signer(institution.holder_id),
            )
    except IntegrityError as error:
        raise Refused(f"{user} already has a role at {institution}.") from error
    return membership
