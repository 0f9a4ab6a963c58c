"""Which kinds of visitor a person is, so that the rail shows what concerns them."""

from portal.acting import Acting


def relations(acting: Acting) -> set[str]:
    """The role acted under; without one, the person is here for their family."""
    return {acting.membership.role if acting.membership else "guardian"}
