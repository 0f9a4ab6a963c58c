"""Keeps two notes that one log has signed and that cannot both be true."""

from django.db import connection

from ledger.witnessing.witness import MAX_EVIDENCE, Seen

KEEP = """
    INSERT INTO ledger.witness_evidence
      (origin, first_size, second_size, first_note, second_note, told_by)
    SELECT %(origin)s, %(first)s, %(second)s, %(first_note)s, %(second_note)s, %(by)s
    WHERE (SELECT count(*) FROM ledger.witness_evidence WHERE origin = %(origin)s) < %(most)s
    ON CONFLICT DO NOTHING
"""


def keep(origin: str, first: Seen, second: Seen, *, told_by: str) -> None:
    """Keep the two notes, smaller size first, once for that size.

    Args:
        origin: of the log that signed both; the caller has verified it.
        first: one of them.
        second: the other.
        told_by: who showed the second, as people read it.
    """
    one, other = sorted((first, second))
    values: dict[str, str | int] = {
        "origin": origin,
        "first": one.size,
        "second": other.size,
        "first_note": one.note,
        "second_note": other.note,
        "by": told_by,
        "most": MAX_EVIDENCE,
    }
    with connection.cursor() as cursor:
        cursor.execute(KEEP, values)
