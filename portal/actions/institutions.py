"""Registers the parties that act in the portal."""

from django.db import IntegrityError, transaction

from ledger.appending import append
from ledger.events import Event
from portal.acting import Acting
from portal.errors import Refused
from portal.keys import create_holder, signer
from portal.models import Institution
from portal.roles import SET_RULES


def register_institution(*, name: str, kind: Institution.Kind) -> Institution:
    """Make an institution with its keys.

    Who may: whoever sets the site up; pages for it come behind MANAGE_INSTITUTIONS.
    Records: INSTITUTION_REGISTERED, signed by the institution's new key.
    Effects: a signing and a sealing key pair, sealed under the master key.

    Raises:
        Refused: the name is taken, or a second service or platform.
    """
    try:
        with transaction.atomic():
            holder = create_holder()
            institution = Institution.objects.create(
                name=name, kind=kind, holder=holder
            )
            append(
                event=Event.INSTITUTION_REGISTERED,
                tenant=institution.pk,
                author=signer(holder.pk),
            )
    except IntegrityError as error:
        raise Refused(
            f"There is already an institution called {name}, or this site already has"
            f" its {kind.label.lower()}."
        ) from error
    return institution


@transaction.atomic
def set_rules(
    *, institution: Institution, age_of_majority: int, retention_years: int, by: Acting
) -> None:
    """Set from which age patients act alone, and how long documents must be kept.

    Who may: an admin of the institution.
    Records: RULES_CHANGED.

    Raises:
        Refused: no admin there, an age outside 14 to 25, or years outside 0 to 50.
    """
    if not by.may(SET_RULES) or by.institution != institution:
        raise Refused(f"Only an admin of {institution} can set its rules.")
    if not 14 <= age_of_majority <= 25 or not 0 <= retention_years <= 50:
        raise Refused(
            "The age of majority is from 14 to 25, the retention from 0 to 50 years."
        )
    institution.age_of_majority = age_of_majority
    institution.retention_years = retention_years
    institution.save(update_fields=["age_of_majority", "retention_years"])
    append(
        event=Event.RULES_CHANGED,
        tenant=institution.pk,
        author=signer(institution.holder_id),
    )
