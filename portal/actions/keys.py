"""Gives institutions new keys."""

from django.db import transaction

from ledger.appending import append
from ledger.events import Event
from portal.keys import renew
from portal.models import Institution


@transaction.atomic
def renew_institution_keys(*, institution: Institution) -> None:
    """Give an institution new keys in place of its old ones.

    Who may: whoever holds the machine.
    Records: KEY_CREATED, which commits to both new keys; signed by the key before, or
        by the new one where that does not open any more.
    Effects: the old keys are retired: what the signing key signed stays signed, its
        private half is destroyed; the sealing key opens what is wrapped for it until
        that is wrapped anew (`records.rewrapping`).
    """
    renewal = renew(institution.holder_id)
    append(
        event=Event.KEY_CREATED,
        tenant=institution.pk,
        author=renewal.author,
        key_commit=renewal.commitment,
    )
