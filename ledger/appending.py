"""Queues what has happened, in the transaction in which it happens."""

import secrets
import time

from django.db import connection

from ledger.encoding import (
    ID_BYTES,
    ZERO32,
    Statement,
    encode_statement,
    log_id,
    signed_bytes,
)
from ledger.errors import OutsideTransaction
from ledger.events import Event
from ledger.signing import Signer
from ledger.site import origin

# No NOTIFY: PostgreSQL lets only one notifying transaction commit at a time, so every
# act of the hospital would queue behind the others' flushes. The sequencer polls.
QUEUE = """
    INSERT INTO ledger.inbox (log_id, statement_id, statement, signature)
    VALUES (%s, %s, %s, %s)
"""


def new_statement_id() -> bytes:
    """16 bytes that no other statement has: milliseconds 6 ‖ random 10.

    Drawn in the order of time, as UUIDv7 is: an index that grows at one end takes a
    third of what scattered keys cost it.
    """
    milliseconds = time.time_ns() // 1_000_000
    return milliseconds.to_bytes(6, "big") + secrets.token_bytes(ID_BYTES - 6)


def append(
    *,
    event: Event,
    tenant: int,
    author: Signer,
    subject_tag: bytes = ZERO32,
    cid: bytes = b"",
    wraps_hash: bytes = ZERO32,
    key_commit: bytes = ZERO32,
    meta_commit: bytes = ZERO32,
) -> bytes:
    """Queue one signed statement; it is gone if the caller's transaction rolls back.

    Args:
        event: what happened.
        tenant: the institution's number, 32 bits signed.
        author: signs in the institution's name.
        subject_tag: 32 bytes, from commitments.subject_tag; zeros where the event is
            about no patient.
        cid: binary CIDv1 of the ciphertext, at most 255 bytes; empty for none.
        wraps_hash: 32 bytes over the document's key wraps.
        key_commit: 32 bytes that bind the data key; of KEY_CREATED, the new keys; of
            what happens to a version of the networks, the SHA-256 of its manifest.
        meta_commit: 32 bytes, from commitments.meta_commitment.

    Returns:
        The statement's id, 16 bytes, by which history.progress() knows it.

    Raises:
        OutsideTransaction: no transaction is open, so act and record could part.
        EncodingError: a value does not fit the layout.
    """
    if not connection.in_atomic_block:
        raise OutsideTransaction(
            f"{event.name} was to be recorded outside the transaction of the act."
        )
    statement = Statement(
        statement_id=new_statement_id(),
        tenant=tenant,
        kind=event,
        author_key_id=author.key_id,
        subject_tag=subject_tag,
        cid=cid,
        wraps_hash=wraps_hash,
        key_commit=key_commit,
        meta_commit=meta_commit,
    )
    log, data = log_id(origin()), encode_statement(statement)
    signature = author.sign(signed_bytes(log, data))
    with connection.cursor() as cursor:
        cursor.execute(QUEUE, [log, statement.statement_id, data, signature])
    return statement.statement_id
