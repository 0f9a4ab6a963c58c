"""Wraps data keys anew for holders whose own keys are new."""

from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from django.apps import apps
from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet

from portal.errors import KeyUnavailable
from portal.keys import SEALING, SealingKey, sealing_key
from portal.models import HolderKey, PrivateKey
from records.errors import RecordDamaged
from records.models import KeyWrap
from records.opening import data_key_of
from records.wrapping import wrap_for

BATCH = 50
"""Wraps in a transaction; each costs milliseconds of RSA."""


@dataclass(frozen=True)
class Rewrapped:
    """What `rewrap` has done."""

    done: int
    closed: tuple[UUID, ...]  # documents whose wrap does not open
    left: int  # wraps for an old key, those among them


def waiting(holder_id: UUID) -> QuerySet[KeyWrap]:
    """The holder's wraps that were made for another key than the one of today."""
    live = HolderKey.objects.filter(
        holder_id=holder_id, purpose=SEALING, retired_at=None
    )
    return KeyWrap.objects.filter(holder_id=holder_id).exclude(
        key_id__in=live.values("key_id")
    )


def has_had_other_keys(holder_id: UUID) -> bool:
    """Whether the sealing key of today is not the holder's first."""
    keys = HolderKey.objects.filter(holder_id=holder_id, purpose=SEALING)
    return keys.filter(retired_at__isnull=False).exists()


def old_halves(holder_id: UUID) -> QuerySet[PrivateKey]:
    """The private halves of the holder's retired sealing keys."""
    return PrivateKey.objects.filter(
        key__holder_id=holder_id,
        key__purpose=SEALING,
        key__retired_at__isnull=False,
    )


def rewrap(
    holder_id: UUID,
    *,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Rewrapped:
    """Unwrap with the holder's old keys, wrap for the new one; nothing is re-encrypted.

    In small transactions; safe to be killed and called again. A wrap that somebody
    holds is passed over.

    Args:
        holder_id: whose wraps.
        progress: told after each transaction.

    Raises:
        KeyUnavailable: the holder has no live key.
    """
    seen, last, total = 0, 0, waiting(holder_id).count()
    closed: list[UUID] = []
    while batch := _rewrap_batch(holder_id, last, closed):
        last, seen = batch[-1].pk, seen + len(batch)
        progress(seen, total)
    return Rewrapped(seen - len(closed), tuple(closed), waiting(holder_id).count())


def destroy_old_halves(holder_id: UUID) -> int:
    """Destroy the private halves of old sealing keys for which nothing is wrapped.

    Returns:
        how many.
    """
    unused = old_halves(holder_id)
    for model in settings.WRAPS:
        wraps = apps.get_model(model)._default_manager.filter(holder_id=holder_id)  # noqa: SLF001 - Django's API
        unused = unused.exclude(key_id__in=wraps.values("key_id"))
    destroyed, _ = unused.delete()
    return destroyed


def put_in_place_of(old: KeyWrap, new: KeyWrap) -> None:
    """Write a wrap over another one of the same document and holder.

    In the same row: who withdraws a permission at this moment still finds it.
    """
    new.pk, new.created_at = old.pk, old.created_at
    new.save(force_update=True)


@transaction.atomic
def _rewrap_batch(holder_id: UUID, last: int, closed: list[UUID]) -> list[KeyWrap]:
    key = sealing_key(holder_id)
    rows = waiting(holder_id).filter(pk__gt=last).order_by("pk")
    held = rows.select_for_update(of=("self",), skip_locked=True)
    batch = list(held.select_related("document")[:BATCH])
    for wrap in batch:
        try:
            put_in_place_of(wrap, _for_key(wrap, key))
        except (RecordDamaged, KeyUnavailable):
            closed.append(wrap.document_id)
    return batch


def _for_key(wrap: KeyWrap, key: SealingKey) -> KeyWrap:
    document, holder_id = wrap.document, wrap.holder_id
    data_key = data_key_of(document, holder_id)
    return wrap_for(document, holder_id, key, data_key)
