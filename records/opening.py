"""Opens a document with the key of one of its holders."""

from uuid import UUID

from portal.keys import opening_key
from records.content import content_store
from records.encryption.envelope import open_sealed
from records.encryption.names import open_name
from records.encryption.wrapping import check_commitment, unwrap_key
from records.errors import RecordDamaged
from records.models import Document, KeyWrap
from records.proofs import check_against_ledger
from records.storage.cids import parse_cid
from records.storage.errors import BlockMissing


def unseal(document: Document, holder_id: UUID) -> bytes:
    """The content, opened with one holder's key and checked against the ledger.

    Raises:
        RecordDamaged: no wrap, another data key than committed to, another CID
            than the ledger's, or an envelope that does not open.
        StorageError: a block is missing or damaged, or the store does not answer.
    """
    try:
        return _unseal(document, holder_id)
    except (RecordDamaged, BlockMissing):
        # It may have been sealed anew since the row was read.
        others = Document.objects.filter(pk=document.pk).exclude(cid=document.cid)
        if (now := others.first()) is None:
            raise
        document.cid, document.statement_id = now.cid, now.statement_id
        document.key_commitment = now.key_commitment
        return _unseal(document, holder_id)


def _unseal(document: Document, holder_id: UUID) -> bytes:
    check_against_ledger(document)
    data_key = data_key_of(document, holder_id)
    blocks = content_store().read(parse_cid(document.cid))
    opened = open_sealed(blocks, data_key=data_key, record_id=document.pk.bytes)
    with RecordDamaged.instead_of_encryption_errors():
        return b"".join(opened)


def data_key_of(document: Document, holder_id: UUID) -> bytes:
    """The document's data key, unwrapped with one holder's key.

    Raises:
        RecordDamaged: there is no wrap for the holder, or it holds another key.
    """
    wrap = document.wraps.filter(holder_id=holder_id).first()
    if wrap is None:
        raise RecordDamaged("The key of this document is not there for this reader.")
    return data_key_in(wrap)


def data_key_in(wrap: KeyWrap) -> bytes:
    """The data key in a wrap, unwrapped with its holder's key.

    Raises:
        RecordDamaged: the wrap does not open, or holds another document's key.
    """
    document, key_id = wrap.document, bytes(wrap.key_id)
    with RecordDamaged.instead_of_encryption_errors():
        data_key = unwrap_key(
            bytes(wrap.wrapped_key),
            private_key=opening_key(key_id),
            record_id=document.pk.bytes,
            recipient_key_id=key_id,
        )
        check_commitment(
            data_key, document.pk.bytes, commitment=bytes(document.key_commitment)
        )
    return data_key


def name_of(document: Document, holder_id: UUID) -> str:
    """The file's own name, for a holder of the key; a neutral one for others.

    Raises:
        RecordDamaged: the holder's wrap holds no key of the document, or the name was
            altered.
    """
    # Not filtered by the database: whoever lists documents has fetched all wraps.
    wrap = next((w for w in document.wraps.all() if w.holder_id == holder_id), None)
    if wrap is None:
        return str(Document.Kind(document.kind).label)
    data_key = data_key_in(wrap)
    with RecordDamaged.instead_of_encryption_errors():
        return open_name(
            document.sealed_name, data_key=data_key, record_id=document.pk.bytes
        )
