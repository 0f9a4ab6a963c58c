"""Writes what happens to a data set: a row for people, an entry for proof."""

from collections.abc import Mapping
from typing import Any

from diagnosis.models import DataSet, SetAct, SetRun
from ledger.appending import append
from ledger.commitments import meta_commitment
from ledger.events import Event
from portal.acting import Acting
from portal.keys import signer
from portal.models import Institution
from records.models.act import new_salt
from records.recording import Sealing


def record_about_set(
    data_set: DataSet,
    event: Event,
    *,
    author: Institution,
    by: Acting | None = None,
    run: SetRun | None = None,
    metadata: Mapping[str, str | int] | None = None,
    sealing: Sealing | None = None,
) -> bytes:
    """Queue the ledger's statement with the act that tells of it, in one transaction.

    Args:
        data_set: whose institution's ledger it is on.
        event: what happened.
        author: signs; the hospital or the diagnosis service.
        by: who did it, where it was a person.
        run: which one it is about, if any.
        metadata: opaque values only; committed to, and kept in the row.
        sealing: the content it is about, if any.

    Returns:
        the statement's id, 16 bytes.
    """
    salt, said = new_salt(), sealing or Sealing()
    named: dict[str, Any] = {**(metadata or {}), "data_set": str(data_set.pk)}
    if run:
        named["run"] = str(run.pk)
    if by:
        named["actor"] = by.user.pk
    statement_id = append(
        event=event,
        tenant=data_set.institution_id,
        author=signer(author.holder_id),
        cid=said.cid,
        wraps_hash=said.wraps_hash,
        key_commit=said.key_commitment,
        meta_commit=meta_commitment(salt, named),
    )
    SetAct.objects.create(
        statement_id=statement_id,
        event=event,
        data_set=data_set,
        run=run,
        author=author,
        actor=by.user if by else None,
        metadata=named,
        salt=salt,
    )
    return statement_id
