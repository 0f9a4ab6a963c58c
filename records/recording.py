"""Writes an act where it belongs: for people in a row, for proof on the ledger."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from ledger.appending import append
from ledger.commitments import meta_commitment, subject_tag
from ledger.encoding import ZERO32
from ledger.events import Event
from ledger.signing import Signer
from portal.acting import Acting
from portal.keys import signer
from portal.models import Institution, User
from records.models import Act, Device, Guardian, Patient
from records.models.act import new_salt


@dataclass(frozen=True, kw_only=True)
class Sealing:
    """What the ledger says of a sealed content; all empty where an act seals nothing."""

    cid: bytes = b""
    wraps_hash: bytes = ZERO32
    key_commitment: bytes = ZERO32


@dataclass(frozen=True, kw_only=True)
class Happening:
    """Who did what about whom, to be recorded in the transaction that does it."""

    event: Event
    patient: Patient
    institution: Institution
    author: UUID
    by: User | None
    device: Device | None = None
    """Which did it on behalf of `by`."""
    document_id: UUID | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)
    sealing: Sealing = Sealing()


def record(happening: Happening, *, author: Signer | None = None) -> bytes:
    """Queue the ledger's statement with the act that tells of it.

    In the caller's transaction: if this or the act itself fails, neither happened.

    Args:
        happening: what is recorded.
        author: signs, where it is not the author's key of today.

    Returns:
        the statement's id, 16 bytes.
    """
    salt, patient = new_salt(), happening.patient
    statement_id = append(
        event=happening.event,
        tenant=happening.institution.pk,
        author=author or signer(happening.author),
        subject_tag=subject_tag(salt, patient.pk.bytes),
        cid=happening.sealing.cid,
        wraps_hash=happening.sealing.wraps_hash,
        key_commit=happening.sealing.key_commitment,
        meta_commit=meta_commitment(salt, _metadata(happening)),
    )
    Act.objects.create(
        statement_id=statement_id,
        event=happening.event,
        patient=patient,
        institution=happening.institution,
        actor=happening.by,
        device=happening.device,
        document_id=happening.document_id,
        metadata=_metadata(happening),
        salt=salt,
    )
    return statement_id


def record_of_guardian(
    guardian: Guardian, event: Event, institution: Institution, by: Acting | None
) -> None:
    """Record what a hospital does about somebody who acts for a patient."""
    record(
        Happening(
            event=event,
            patient=guardian.patient,
            institution=institution,
            author=institution.holder_id,
            by=by.user if by else None,
            metadata={"guardian": guardian.user_id},
        )
    )


def _metadata(happening: Happening) -> dict[str, Any]:
    """Opaque ids only: the row is readable by whoever reads the database."""
    ids: dict[str, Any] = dict(happening.metadata)
    if happening.by:
        ids["actor"] = happening.by.pk
    if happening.device:
        ids["device"] = str(happening.device.pk)
    if happening.document_id:
        ids["document"] = str(happening.document_id)
    return ids
