"""Reads what is stored again, a share at a time, and mends it before it is needed."""

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
    mended: tuple[Document, ...]
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

    One that is damaged or missing is put again from the nodes of IPFS_PEERS, where
    they have all of its blocks sound.

    Args:
        count: how many documents.
        seconds: stop after so many, with whatever was looked at until then.
        progress: told after each document.

    Raises:
        StoreUnavailable: the store does not answer; what was looked at is kept.
    """
    until, looked_at = time.monotonic() + seconds, 0
    mended, damaged = [], []
    last = Coalesce("scrubbed_at", "created_at")
    for document in Document.objects.kept().order_by(last, "pk")[:count]:
        was_mended = _look_at(document)
        looked_at += 1
        if was_mended:
            mended.append(document)
        if document.damage:
            damaged.append(document)
        progress(looked_at, count)
        if time.monotonic() >= until:
            break
    return Scrubbed(looked_at, tuple(mended), tuple(damaged))


def _look_at(document: Document) -> bool:
    """Write down how a document is now; say whether it was mended."""
    mended, document.damage = False, ""
    try:
        mended = content_store().mend(parse_cid(document.cid))
    except (BlockError, NodeRejected, CidRejected) as error:
        document.damage = str(error)
    said = {"scrubbed_at": timezone.now(), "damage": document.damage}
    if mended:
        said["mended_at"] = said["scrubbed_at"]
    # What was sealed anew meanwhile is not what was looked at.
    same = Document.objects.kept().filter(pk=document.pk, cid=document.cid)
    if not same.update(**said) and mended:
        content_store().remove(parse_cid(document.cid))
        return False
    return mended
