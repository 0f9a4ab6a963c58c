"""The statements the sequencer sends to PostgreSQL."""

from typing import LiteralString

Query = LiteralString

# Session lock: one sequencer at work. Transaction lock: one writer of entries.
_LOCK_CLASS = "1095584817"  # "AML1"
TAKE_TURN = f"SELECT pg_try_advisory_lock({_LOCK_CLASS}, 1)"
LOCK = f"SELECT pg_advisory_xact_lock({_LOCK_CLASS}, 2)"

ORIGIN = "SELECT ledger.origin()"
# By the key: a scan would look at every row that has left since the last vacuum.
IS_QUEUED = "SELECT FROM ledger.inbox ORDER BY id LIMIT 1"
HEAD = """
    SELECT seq + 1, leaf_hash, ts_ms FROM ledger.entry ORDER BY seq DESC LIMIT 1
"""
# Always from the front, never after an id seen before: ids commit out of order.
TAKE = """
    DELETE FROM ledger.inbox
    WHERE ctid = ANY (ARRAY(SELECT ctid FROM ledger.inbox ORDER BY id LIMIT %s))
    RETURNING id, statement_id, statement, signature
"""
KNOWN = "SELECT statement_id FROM ledger.entry WHERE statement_id = ANY(%b)"
REFUSE = """
    INSERT INTO ledger.refused (id, statement_id, statement, signature, reason)
    VALUES (%b, %b, %b, %b, %s)
"""
ENTER = """
    INSERT INTO ledger.entry (seq, bytes)
    SELECT %b::bigint + place - 1, bytes
    FROM unnest(%b::bytea[]) WITH ORDINALITY AS batch (bytes, place)
"""
ENTRIES = """
    SELECT seq, bytes FROM ledger.entry WHERE seq >= %s ORDER BY seq LIMIT %s
"""
LEAF_HASHES = """
    SELECT seq, leaf_hash FROM ledger.entry WHERE seq >= %s ORDER BY seq LIMIT %s
"""
LATEST_CHECKPOINT = "SELECT note FROM ledger.checkpoint ORDER BY size DESC LIMIT 1"
CHECKPOINT_WITHIN = """
    SELECT note FROM ledger.checkpoint WHERE size <= %s ORDER BY size DESC LIMIT 1
"""
SIGNED_SIZE = "SELECT coalesce(max(size), 0) FROM ledger.checkpoint"
SIGNED = """
    INSERT INTO ledger.checkpoint (log_id, size, root, note)
    VALUES (%s, %s, %s, %s) ON CONFLICT DO NOTHING
"""
ROOT = "SELECT root FROM ledger.checkpoint WHERE log_id = %s AND size = %s"

TILED = "SELECT coalesce(max(index) + 1, 0) FROM ledger.tile WHERE level = 0"
TILES = """
    INSERT INTO ledger.tile (level, index, hashes, root)
    SELECT * FROM unnest(%b::smallint[], %b::bigint[], %b::bytea[], %b::bytea[])
    ON CONFLICT DO NOTHING
"""
COSIGN = """
    INSERT INTO ledger.cosignature (log_id, size, witness, key_id, cosigned_at, line)
    VALUES (%s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING
"""
