"""Reads what is stored again, a share at a time, before somebody needs it."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from math import ceil

from django.db.models.functions import Coalesce
from django.utils import timezone

from records.content import content_store
from records.models import Document
from records.storage.cids import parse_cid
from records.storage.errors import BlockError, CidRejected, NodeRejected

SHARE = 1 / 30
"""Of everything, each night: all of it within a month."""


@dataclass(frozen=True)
class Scrubbed:
    """What a scrub has found."""

    looked_at: int
    damaged: tuple[Document, ...]


def share_of(part: float) -> int:
    """How many documents a share is; at least one, where there is any."""
    return ceil(Document.objects.kept().count() * part)


def scrub(
    count: int,
    *,
    seconds: float = float("inf"),
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Scrubbed:
    """Hash every block of the documents that were looked at longest ago.

    Args:
        count: how many documents.
        seconds: stop after so many, with whatever was looked at until then.
        progress: told after each document.

    Raises:
        StoreUnavailable: the store does not answer; what was looked at is kept.
    """
    until, looked_at, damaged = time.monotonic() + seconds, 0, []
    last = Coalesce("scrubbed_at", "created_at")
    for document in Document.objects.kept().order_by(last, "pk")[:count]:
        document.damage = _damage_of(document)
        document.scrubbed_at = timezone.now()
        document.save(update_fields=["scrubbed_at", "damage"])
        looked_at += 1
        if document.damage:
            damaged.append(document)
        progress(looked_at, count)
        if time.monotonic() >= until:
            break
    return Scrubbed(looked_at, tuple(damaged))


def _damage_of(document: Document) -> str:
    """A sentence, or nothing where all of it is sound."""
    try:
        for _ in content_store().read(parse_cid(document.cid)):
            pass
    except (BlockError, NodeRejected, CidRejected) as error:
        return str(error)
    return ""
