"""Holds a document against what the ledger says of it."""

from ledger.history import statement
from records.errors import RecordDamaged
from records.models import Document
from records.storage.cids import parse_cid


def check_against_ledger(document: Document) -> None:
    """Refuse a row that says something else than its ledger statement.

    Raises:
        RecordDamaged: no statement, another CID or another key commitment.
    """
    said = statement(bytes(document.statement_id))
    if said is None:
        raise RecordDamaged(
            "The ledger knows nothing of this document; it is not shown."
        )
    if said.cid != bytes(parse_cid(document.cid)):
        raise RecordDamaged(
            "The ledger names another content for this document; it is not shown."
        )
    if said.key_commit != bytes(document.key_commitment):
        raise RecordDamaged(
            "The ledger names another key for this document; it is not shown."
        )
