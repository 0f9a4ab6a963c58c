"""Re-fetches a sample of what entries name by CIDs; consistency says nothing of bodies."""

from dataclasses import dataclass

from ledger.entry_checks import Fault
from ledger.errors import BodyDamaged
from ledger.events import Event
from ledger.models import Anchor, Entry
from ledger.site import check_body
from ledger.witnessing.anchoring import cid_of


@dataclass(frozen=True)
class BodyReport:
    """What a sample showed."""

    checked: int  # fetched and hashed
    elsewhere: int  # of which nothing is kept here
    faults: tuple[Fault, ...]


def sample_bodies(count: int) -> BodyReport:
    """Fetch and hash again what some entries name, drawn at random.

    Args:
        count: how many entries; all of them where there are fewer.
    """
    drawn = Entry.objects.exclude(cid=b"").order_by("?")[:count]
    rows = list(drawn.values_list("seq", "kind", "statement_id", "cid"))
    read, faults = 0, []
    for seq, kind, statement_id, cid in rows:
        is_anchor = kind == Event.LOG_ANCHORED
        try:
            if is_anchor:
                read += _check_anchor(bytes(statement_id), bytes(cid))
            else:
                read += check_body(bytes(cid))
        except BodyDamaged as error:
            faults.append(Fault(seq, f"What entry {seq} names: {error}"))
    elsewhere = len(rows) - read - len(faults)
    in_order = sorted(faults, key=lambda fault: fault.seq)
    return BodyReport(read + len(faults), elsewhere, tuple(in_order))


def _check_anchor(statement_id: bytes, cid: bytes) -> bool:
    """Whether the foreign checkpoint is kept; one that came from a mirror is not."""
    anchor = Anchor.objects.filter(statement_id=statement_id).first()
    if anchor is None:
        return False
    if cid_of(anchor.note) != cid:
        raise BodyDamaged("The foreign checkpoint kept is not the one recorded.")
    return True
