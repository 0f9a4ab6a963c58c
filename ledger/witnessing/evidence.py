"""Keeps two notes that one log has signed and that cannot both be true."""

from django.db import connection

from ledger.witnessing.witness import Seen

KEEP = """
    INSERT INTO ledger.witness_evidence
      (origin, first_size, second_size, first_note, second_note, told_by)
    VALUES (%s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING
"""


def keep(origin: str, first: Seen, second: Seen, *, told_by: str) -> None:
    """Keep the two notes, smaller size first, once for a pair of sizes.

    Args:
        origin: of the log that signed both; the caller has verified it.
        first: one of them.
        second: the other.
        told_by: who showed the second, as people read it.
    """
    one, other = sorted((first, second))
    sizes, notes = (one.size, other.size), (one.note, other.note)
    with connection.cursor() as cursor:
        cursor.execute(KEEP, (origin, *sizes, *notes, told_by))
