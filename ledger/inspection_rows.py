"""What an inspection reads: spans of entries at full speed, single rows with care."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, LiteralString, NamedTuple

import psycopg
from psycopg import IsolationLevel

SPAN = 512  # entries on their way at once; memory stays flat

EXTENT = "SELECT coalesce(max(seq) + 1, 0) FROM ledger.entry"
# One row for a span: a row for each entry would cost more than hashing it.
SPANS = """
    SELECT span.* FROM generate_series(%s::bigint, %s::bigint - 1, %s::bigint) AS start,
    LATERAL (
      SELECT start, string_agg(bytes, '' ORDER BY seq),
             string_agg(int4send(octet_length(bytes)), '' ORDER BY seq),
             string_agg(leaf_hash, '' ORDER BY seq),
             count(*) FILTER (WHERE octet_length(leaf_hash) IS DISTINCT FROM 32
               OR int8send(seq) IS DISTINCT FROM substring(bytes FROM 21 FOR 8)
               OR previous_hash IS DISTINCT FROM substring(bytes FROM 29 FOR 32)
               OR int8send(ts_ms) IS DISTINCT FROM substring(bytes FROM 61 FOR 8)
               OR statement_id IS DISTINCT FROM substring(bytes FROM 71 FOR 16)
               OR int4send(tenant) IS DISTINCT FROM substring(bytes FROM 87 FOR 4)
               OR int2send(kind) IS DISTINCT FROM substring(bytes FROM 91 FOR 2)
               OR cid IS DISTINCT FROM
                  substring(bytes FROM 158 FOR greatest(octet_length(bytes) - 322, 0)))
      FROM ledger.entry WHERE seq >= start AND seq < start + %s::bigint
    ) AS span
"""
ROWS = """
    SELECT seq, bytes, previous_hash, leaf_hash, ts_ms, statement_id, tenant, kind, cid
    FROM ledger.entry WHERE seq >= %s AND seq <= %s ORDER BY seq
"""
PROMISES = """
    SELECT log_id, size, root, note,
           (SELECT coalesce(string_agg(line, '' ORDER BY witness), '')
            FROM ledger.cosignature AS c
            WHERE c.log_id = p.log_id AND c.size = p.size)
    FROM ledger.checkpoint AS p WHERE size >= %s ORDER BY size
"""
TILES = """
    SELECT hashes, root FROM ledger.tile WHERE level = %s AND index >= %s ORDER BY index
"""


class Span(NamedTuple):
    """Consecutive entries, each column of theirs joined into one value."""

    start: int
    bodies: bytes
    lengths: bytes  # u32 each
    leaf_hashes: bytes  # 32 each
    misfits: int  # rows in which a column is not what the bytes say


class Row(NamedTuple):
    """An entry as the table holds it."""

    seq: int
    data: bytes
    previous_hash: bytes
    leaf_hash: bytes
    ts_ms: int
    statement_id: bytes
    tenant: int
    kind: int
    cid: bytes


class Promise(NamedTuple):
    """A checkpoint as the table holds it, with the lines of its witnesses."""

    log_id: bytes
    size: int
    root: bytes
    note: str
    cosigned: str


Connection = psycopg.Connection[Any]


@contextmanager
def one_snapshot(connection: Connection, beside: Connection) -> Iterator[None]:
    """Let both connections, which are in autocommit, see the log as of this moment."""
    for each in (connection, beside):
        each.isolation_level = IsolationLevel.REPEATABLE_READ
        each.read_only = True
    with connection.transaction(), beside.transaction():
        row = connection.execute("SELECT pg_export_snapshot()").fetchone()
        beside.execute(f"SET TRANSACTION SNAPSHOT '{row[0] if row else ''}'")
        yield


def extent(connection: Connection) -> int:
    """One more than the last entry's number."""
    row = connection.execute(EXTENT).fetchone()
    return int(row[0]) if row else 0


def spans(connection: Connection, start: int, end: int) -> Iterator[Span]:
    """The entries from start on; the server prepares one while the last is checked."""
    values = [start, end, SPAN, SPAN]
    with connection.cursor(binary=True) as cursor:
        for row in cursor.stream(SPANS, values):
            yield Span._make(_without_null(row))


def rows(connection: Connection, first: int, last: int) -> list[Row]:
    """The entries numbered first to last, as far as they are there."""
    found = connection.execute(ROWS, [first, last], binary=True)
    return [Row._make(_without_null(row)) for row in found.fetchall()]


def promises(connection: Connection, size: int) -> Iterator[Promise]:
    """The checkpoints from a size on, the smallest first."""
    return map(Promise._make, _streamed(connection, "promises", PROMISES, [size]))


def stored_tiles(
    connection: Connection, level: int, index: int
) -> Iterator[tuple[bytes, bytes]]:
    """The hashes and the root of each tile of a level, from an index on."""
    return _streamed(connection, f"tiles_{level}", TILES, [level, index])


def _streamed(
    connection: Connection, name: str, query: LiteralString, values: list[Any]
) -> Iterator[Any]:
    with connection.cursor(f"ledger_{name}", binary=True) as cursor:
        cursor.itersize = 200
        yield from cursor.execute(query, values)


def _without_null(row: tuple[Any, ...]) -> list[Any]:
    """A column emptied by force reads as no bytes, which nothing was hashed to."""
    return [b"" if value is None else value for value in row]
