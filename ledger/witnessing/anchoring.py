"""Enters foreign logs' checkpoints in this one: a fork of one must then fork them all."""

from datetime import timedelta
from hashlib import sha256

from django.db import connection, transaction
from django.utils import timezone

from ledger.appending import append
from ledger.events import Event
from ledger.models import Anchor, WitnessState
from ledger.site import log_signer, origin, policy

SITE = 0  # the tenant of what the site does in nobody's name
KEEP = """
    INSERT INTO ledger.anchor (statement_id, origin, size, note)
    VALUES (%s, %s, %s, %s)
"""
ONE_AT_A_TIME = "SELECT pg_advisory_xact_lock(1095584817, 3)"
RAW_SHA2_256 = b"\x01\x55\x12\x20"  # CIDv1, raw, sha2-256, 32 bytes


def anchor_logs(*, every: timedelta) -> int:
    """Enter each foreign log's last cosigned checkpoint, where it has grown.

    Two logs that anchor each other grow by it, so there is one entry for each in a
    while, not one for each checkpoint.

    Args:
        every: how long to let a log rest after its last anchor.

    Returns:
        How many were entered.
    """
    known = {log.name for log in policy().logs} - {origin()}
    states = WitnessState.objects.filter(origin__in=known, size__gt=0)
    return sum(_anchor(state, every) for state in states)


def cid_of(note: str) -> bytes:
    """The CID by which an entry names a note, 36 bytes."""
    return RAW_SHA2_256 + sha256(note.encode()).digest()


@transaction.atomic
def _anchor(state: WitnessState, every: timedelta) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(ONE_AT_A_TIME)
    last = Anchor.objects.filter(origin=state.origin).order_by("-anchored_at").first()
    if last and (last.size >= state.size or last.anchored_at > timezone.now() - every):
        return False
    statement_id = append(
        event=Event.LOG_ANCHORED,
        tenant=SITE,
        author=log_signer(),
        cid=cid_of(state.note),
    )
    with connection.cursor() as cursor:
        cursor.execute(KEEP, [statement_id, state.origin, state.size, state.note])
    return True
