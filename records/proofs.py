"""Holds what the portal tells against what the ledger says of it."""

from ledger.commitments import meta_commitment, subject_tag
from ledger.encoding import Statement
from ledger.history import statement
from records.errors import RecordDamaged
from records.models import Act, Document
from records.storage.cids import parse_cid


def check_against_ledger(document: Document) -> None:
    """Refuse a row that says something else than its ledger statement.

    Raises:
        RecordDamaged: no statement, or one of another hospital, content or key.
    """
    said = statement(bytes(document.statement_id))
    if said is None:
        raise RecordDamaged(
            "The ledger knows nothing of this document; it is not shown."
        )
    agreements = {
        "hospital": said.tenant == document.institution_id,
        "content": said.cid == bytes(parse_cid(document.cid)),
        "key": said.key_commit == bytes(document.key_commitment),
    }
    for what, agrees in agreements.items():
        if not agrees:
            raise RecordDamaged(
                f"The ledger names another {what} for this document; it is not shown."
            )


def tells_what_was_said(act: Act, said: Statement) -> bool:
    """Whether an act's row is the one its statement committed to.

    Compared are event and hospital, patient and metadata through their salted
    commitments, then actor, document and device, which the metadata names.
    """
    salt, metadata = bytes(act.salt), act.metadata
    return (
        said.kind == act.event
        and said.tenant == act.institution_id
        and said.subject_tag == subject_tag(salt, act.patient_id.bytes)
        and said.meta_commit == meta_commitment(salt, metadata)
        and metadata.get("actor") == act.actor_id
        and metadata.get("document")
        == (str(act.document_id) if act.document_id else None)
        and metadata.get("device") == (str(act.device_id) if act.device_id else None)
    )
