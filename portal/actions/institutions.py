"""Registers the parties that act in the portal."""

from django.db import IntegrityError, transaction

from ledger.appending import append
from ledger.events import Event
from portal.errors import Refused
from portal.keys import create_holder, signer
from portal.models import Institution


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
