"""The statements the sequencer sends to PostgreSQL."""

from typing import Any, LiteralString

from ledger.encoding import Entry

Query = LiteralString

# Session lock: one sequencer at work. Transaction lock: one writer of entries.
_LOCK_CLASS = "1095584817"  # "AML1"
TAKE_TURN = f"SELECT pg_try_advisory_lock({_LOCK_CLASS}, 1)"
LOCK = f"SELECT pg_advisory_xact_lock({_LOCK_CLASS}, 2)"

ORIGIN = "SELECT ledger.origin()"
IS_QUEUED = "SELECT FROM ledger.inbox LIMIT 1"
HEAD = """
    SELECT seq + 1, leaf_hash, ts_ms FROM ledger.entry ORDER BY seq DESC LIMIT 1
"""
# Always from the front, never after an id seen before: ids commit out of order.
QUEUED = """
    SELECT id, statement_id, statement, signature
    FROM ledger.inbox ORDER BY id LIMIT %s
"""
KNOWN = "SELECT statement_id FROM ledger.entry WHERE statement_id = ANY(%b)"
REFUSE = """
    INSERT INTO ledger.refused (id, statement_id, statement, signature, reason)
    VALUES (%b, %b, %b, %b, %s)
"""
ENTER = """
    INSERT INTO ledger.entry (seq, bytes, previous_hash, ts_ms, statement_id, tenant,
                              kind, author_key_id, subject_tag, cid)
    SELECT * FROM unnest(
        %b::bigint[], %b::bytea[], %b::bytea[], %b::bigint[], %b::bytea[],
        %b::integer[], %b::smallint[], %b::bytea[], %b::bytea[], %b::bytea[]
    ) AS batch (seq) ORDER BY seq
"""
TAKE_OUT = "DELETE FROM ledger.inbox WHERE id = ANY(%b)"
ENTRIES = """
    SELECT seq, bytes FROM ledger.entry WHERE seq >= %s ORDER BY seq LIMIT %s
"""
LEAF_HASHES = """
    SELECT seq, leaf_hash FROM ledger.entry WHERE seq >= %s ORDER BY seq LIMIT %s
"""
LATEST_CHECKPOINT = "SELECT note FROM ledger.checkpoint ORDER BY size DESC LIMIT 1"
SIGNED = """
    INSERT INTO ledger.checkpoint (log_id, size, root, note)
    VALUES (%s, %s, %s, %s) ON CONFLICT DO NOTHING
"""
ROOT = "SELECT root FROM ledger.checkpoint WHERE log_id = %s AND size = %s"


def columns(entry: Entry, data: bytes) -> tuple[Any, ...]:
    """An entry's row, in the order of ENTER."""
    statement = entry.statement
    return (
        entry.seq,
        data,
        entry.previous_hash,
        entry.ts_ms,
        statement.statement_id,
        statement.tenant,
        int(statement.kind),
        statement.author_key_id,
        statement.subject_tag,
        statement.cid,
    )
