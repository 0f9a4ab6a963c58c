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

    checked: int
    faults: tuple[Fault, ...]


def sample_bodies(count: int) -> BodyReport:
    """Fetch and hash again what some entries name, drawn at random.

    Args:
        count: how many; all of them where there are fewer.
    """
    drawn = Entry.objects.exclude(cid=b"").order_by("?")[:count]
    rows = list(drawn.values_list("seq", "kind", "statement_id", "cid"))
    faults = []
    for seq, kind, statement_id, cid in rows:
        try:
            if kind == Event.LOG_ANCHORED:
                _check_anchor(bytes(statement_id), bytes(cid))
            else:
                check_body(bytes(cid))
        except BodyDamaged as error:
            faults.append(Fault(seq, f"What entry {seq} names: {error}"))
    return BodyReport(len(rows), tuple(sorted(faults, key=lambda f: f.seq)))


def _check_anchor(statement_id: bytes, cid: bytes) -> None:
    anchor = Anchor.objects.filter(statement_id=statement_id).first()
    if anchor is None:
        raise BodyDamaged("The foreign checkpoint that was recorded is gone.")
    if cid_of(anchor.note) != cid:
        raise BodyDamaged("The foreign checkpoint kept is not the one recorded.")
