"""One log on a database of its own, with a connection for each who touches it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

import psycopg
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from django.db import connection, transaction
from psycopg.conninfo import make_conninfo

from ledger.appending import append
from ledger.events import Event
from ledger.inspection import Ask, Report, inspect
from ledger.sequencer import Sequencer
from ledger.service import Connection
from ledger.signing import Ed25519Signer
from ledger.site import log_signer, origin, site_certifier
from portal.database import Role, admin_conninfo, settings_for
from portal.models import HolderKey, KeyHolder
from tests.ledger.values import signer

C = TypeVar("C", bound=Connection)

APPEND_ONLY = ("entry", "checkpoint", "tile", "cosignature")
FREEZE = "ALTER TABLE ledger.entry " + ", ".join(
    f"ALTER {column} DROP EXPRESSION"
    for column in ("previous_hash", "ts_ms", "statement_id", "tenant", "kind", "cid")
)
"""A superuser's way to make the log's columns differ from its bytes."""


@dataclass(frozen=True)
class World:
    database: str
    author: Ed25519Signer = field(default_factory=signer)

    def introduce_author(self) -> None:
        """Let the portal know by which key the statements here are signed."""
        public = self.author.public_key.public_bytes(
            Encoding.DER, PublicFormat.SubjectPublicKeyInfo
        )
        HolderKey.objects.create(
            key_id=self.author.key_id,
            holder=KeyHolder.objects.create(),
            purpose=HolderKey.Purpose.SIGNING,
            public_key=public,
        )

    def connect(self, role: Role) -> Connection:
        """Log in to this database as one of the product's roles."""
        return self.connect_as(psycopg.Connection, role)

    def connect_as(self, kind: type[C], role: Role) -> C:
        place = settings_for(role)
        return kind.connect(
            host=place["HOST"],
            port=place["PORT"],
            user=place["USER"],
            password=place["PASSWORD"],
            dbname=self.database,
            autocommit=True,
        )

    def superuser(self) -> Connection:
        conninfo = make_conninfo(admin_conninfo(), dbname=self.database)
        return psycopg.connect(conninfo, autocommit=True)

    def attack(self, *statements: str, **values: Any) -> None:
        """Let a superuser change the tables, every trigger and check out of the way."""
        with self.superuser() as superuser:
            for table in APPEND_ONLY:
                superuser.execute(f"ALTER TABLE ledger.{table} DISABLE TRIGGER ALL")
            checks = superuser.execute(
                "SELECT conrelid::regclass, conname FROM pg_constraint"
                " WHERE contype = 'c' AND conrelid <> 0"
                " AND connamespace = 'ledger'::regnamespace"
            )
            for table, name in checks.fetchall():
                superuser.execute(f"ALTER TABLE {table} DROP CONSTRAINT {name}")
            for statement in statements:
                superuser.execute(statement, values)

    def queue(self, count: int = 1, **fields: Any) -> list[bytes]:
        """Let the web queue statements, each in a transaction of its own."""
        ids = []
        for _ in range(count):
            with transaction.atomic():
                ids.append(self.append(**fields))
        return ids

    def append(self, **fields: Any) -> bytes:
        given = {"event": Event.DOCUMENT_ADDED, "tenant": 7, "author": self.author}
        return append(**{**given, **fields})

    def sequencer(
        self, connection: Connection, clock: Callable[[], int] | None = None
    ) -> Sequencer:
        more = {"clock": clock} if clock else {}
        certifier = site_certifier(connection)
        return Sequencer(connection, origin=origin(), certifier=certifier, **more)

    def sequence(self, *batches: int) -> None:
        """Queue batches of these sizes; enter each under a checkpoint of its own."""
        with self.connect("sequencer") as login:
            sequencer = self.sequencer(login)
            sequencer.resume()
            for count in batches or (0,):
                with transaction.atomic():
                    for _ in range(count):
                        self.append()
                while sequencer.step():
                    pass

    def inspect(self, **given: Any) -> Report:
        ask = {"origin": origin(), "public_key": log_signer().public_key}
        with self.connect("web") as login, self.connect("web") as beside:
            return inspect(login, beside, Ask(**{**ask, **given}))

    def rows(self, query: str) -> list[Any]:
        with connection.cursor() as cursor:
            cursor.execute(query)
            rows: list[Any] = cursor.fetchall()
            return rows

    def count(self, table: str) -> int:
        count: int = self.rows(f"SELECT count(*) FROM ledger.{table}")[0][0]
        return count
