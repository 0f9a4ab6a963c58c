"""Everything that lies in the database, as text."""

from django.db import connection

TABLES = """
    SELECT format('%I.%I', table_schema, table_name) FROM information_schema.tables
    WHERE table_schema IN ('public', 'ledger') AND table_type = 'BASE TABLE'
    ORDER BY 1
"""


def snapshot() -> dict[str, list[str]]:
    """Every row that the web can read, by table; bytes come as hexadecimal digits."""
    with connection.cursor() as cursor:
        cursor.execute(TABLES)
        tables = [name for (name,) in cursor.fetchall()]
        found = {}
        for table in tables:
            cursor.execute(f"SELECT t::text FROM {table} t")
            found[table] = sorted(row for (row,) in cursor.fetchall())
    return found
