"""The ways of recording that are measured, with what each of them keeps."""

from base64 import b32decode, b32encode
from collections.abc import Callable
from dataclasses import dataclass
from secrets import token_bytes

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.db import connection, transaction

from benchmarks.rivals_site import models
from ledger.appending import append
from ledger.events import Event
from ledger.signing import Ed25519Signer

AUTHOR = Ed25519Signer(Ed25519PrivateKey.generate())
SHA256_RAW = b"\x01\x55\x12\x20"  # CIDv1, raw bytes, SHA-256, 32 bytes follow


def new_cid() -> str:
    """The CID of some content, as text."""
    cid = SHA256_RAW + token_bytes(32)
    return "b" + b32encode(cid).decode().lower().rstrip("=")


def _nothing(document: models.Document) -> None:
    """What a library hears of by itself, nobody need record."""


def _on_ledger(document: models.Document) -> None:
    """As the portal does, less its own Act row and the query for the author's key."""
    text = document.cid[1:].upper()
    append(
        event=Event.DOCUMENT_ADDED,
        tenant=document.institution,
        author=AUTHOR,
        cid=b32decode(text + "=" * (-len(text) % 8)),
    )


@dataclass(frozen=True)
class Way:
    """A table, and how what happens to its rows is recorded."""

    name: str
    model: type[models.Document]
    records: str  # the table with one row for each event
    keeps: str
    record: Callable[[models.Document], None] = _nothing

    def create(self, cid: str) -> models.Document:
        """Make a row and record it, in one transaction."""
        with transaction.atomic():
            document = self.model(kind="ultrasound", cid=cid, institution=7)
            document.save(force_insert=True)
            self.record(document)
        return document

    def update(self, document: models.Document, cid: str) -> None:
        """Give the row another content and record that, in one transaction."""
        with transaction.atomic():
            document.cid = cid
            document.save()
            self.record(document)

    def recorded(self) -> int:
        """How many events are on record."""
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT count(*) FROM {self.records}")
            count: int = cursor.fetchone()[0]
        return count


PLAIN = Way("plain", models.PlainDocument, "", "nothing")
LEDGER = Way(
    "ledger.append()",
    models.LedgerDocument,
    "ledger.entry",
    "a signed statement with the CID, no other field; append-only and hash-chained"
    " once sequenced",
    _on_ledger,
)
RIVALS = [
    Way(
        "django-auditlog",
        models.AuditlogDocument,
        "auditlog_logentry",
        "a JSON diff of what the ORM saves; no hash, editable",
    ),
    Way(
        "django-simple-history",
        models.SimpleHistoryDocument,
        "rivals_site_historicalsimplehistorydocument",
        "a copy of each row the ORM saves; no hash, editable",
    ),
    Way(
        "django-pghistory",
        models.PghistoryDocument,
        "rivals_site_pghistorydocumentevent",
        "a copy of each row, raw SQL's too; no hash, append-only if asked for",
    ),
]
