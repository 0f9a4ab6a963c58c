"""Writes what is done about a version in a row, and on the ledger."""

from typing import Any

from diagnosis.models import ModelStep, ModelVersion
from diagnosis.service import diagnosis_service
from ledger.appending import append
from ledger.commitments import meta_commitment
from ledger.events import Event
from portal.acting import Acting
from portal.keys import signer
from records.models.act import new_salt
from records.storage.cids import parse_cid


def record_step(
    version: ModelVersion, event: Event, *, by: Acting | None, reason: str = ""
) -> None:
    """Queue the ledger's statement with the row that tells of it, in the caller's transaction.

    Signed by the institution acted for; by the diagnosis service where it was nobody.
    The statement names the manifest's SHA-256 where a document's has its key
    commitment, and the archive's CID.
    """
    institution = (by.institution if by else None) or diagnosis_service()
    salt = new_salt()
    metadata: dict[str, Any] = {"version": version.name}
    if reason:
        metadata["reason"] = reason
    if by:
        metadata["actor"] = by.user.pk
    statement_id = append(
        event=event,
        tenant=institution.pk,
        author=signer(institution.holder_id),
        cid=bytes(parse_cid(version.cid)),
        key_commit=bytes.fromhex(version.weights_sha256),
        meta_commit=meta_commitment(salt, metadata),
    )
    ModelStep.objects.create(
        statement_id=statement_id,
        version=version,
        event=event,
        actor=by.user if by else None,
        metadata=metadata,
        salt=salt,
    )
