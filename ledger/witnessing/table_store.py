"""A site's memory as a witness, in its database."""

from django.db import connection

from ledger.models import WitnessState
from ledger.witnessing.evidence import keep
from ledger.witnessing.witness import Seen

ADVANCE = "SELECT ledger.advance_witness(%s, %s, %s, %s, %s)"


class TableWitnessStore:
    """One row a log, changed by the database's own compare-and-swap (WitnessStore)."""

    def __init__(self, told_by: str) -> None:
        self._told_by = told_by  # under which evidence is kept

    def last(self, origin: str) -> Seen | None:
        """The last checkpoint cosigned for a log; None where there was none."""
        row = WitnessState.objects.filter(origin=origin).first()
        return Seen(row.size, bytes(row.root), row.note) if row else None

    def advance(self, origin: str, *, old_size: int, seen: Seen) -> bool:
        """Compare and swap, in one atomic step; durable on return."""
        with connection.cursor() as cursor:
            cursor.execute(ADVANCE, [origin, old_size, seen.size, seen.root, seen.note])
            (moved,) = cursor.fetchone()
        return bool(moved)

    def keep_evidence(self, origin: str, first: Seen, second: Seen) -> None:
        """Keep two signed checkpoints that cannot both be true; safe to call twice."""
        keep(origin, first, second, told_by=self._told_by)
