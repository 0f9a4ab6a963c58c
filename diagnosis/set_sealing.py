"""Seals a data set's contents into the content store, and opens them again."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from uuid import UUID, uuid4

from diagnosis.models import DataSet, SetContent, SetRun, SetWrap
from diagnosis.set_recording import record_about_set
from ledger.events import Event
from ledger.history import statement
from portal.acting import Acting
from portal.keys import opening_key, sealing_key
from portal.models import Institution
from records.content import content_store
from records.encryption.envelope import new_data_key, open_sealed, seal
from records.encryption.wrapping import (
    check_commitment,
    key_commitment,
    unwrap_key,
    wrap_key,
    wraps_hash,
)
from records.errors import RecordDamaged
from records.recording import Sealing
from records.storage.cids import parse_cid


@dataclass(frozen=True)
class Sealed:
    """A content that lies in the store, but that no row names yet."""

    content: SetContent
    data_key: bytes


@dataclass(frozen=True, kw_only=True)
class Keeping:
    """How the ledger tells of a content that is kept."""

    event: Event
    author: Institution
    by: Acting | None = None
    metadata: Mapping[str, str | int] | None = None


def put_sealed(
    data_set: DataSet,
    kind: SetContent.Kind,
    plain: Iterable[bytes],
    *,
    run: SetRun | None = None,
) -> Sealed:
    """Seal a content under a key of its own and put it, outside of any transaction.

    An orphan block is harmless, a row without its block is not.

    Raises:
        StoreUnavailable: the content store does not answer.
    """
    data_key, content_id, total = new_data_key(), uuid4(), 0

    def counted() -> Iterator[bytes]:
        nonlocal total
        for piece in seal(plain, data_key=data_key, record_id=content_id.bytes):
            total += len(piece)
            yield piece

    cid = content_store().put(counted())
    content = SetContent(
        pk=content_id,
        data_set=data_set,
        run=run,
        kind=kind,
        cid=str(cid),
        sealed_bytes=total,
        key_commitment=key_commitment(data_key, content_id.bytes),
    )
    return Sealed(content, data_key)


def keep(sealed: Sealed, readers: Iterable[UUID], how: Keeping) -> SetContent:
    """Keep a content that was put: its row, its wraps and the ledger's statement.

    In the caller's transaction.

    Raises:
        KeyUnavailable: a reader's key cannot be used now.
    """
    content = sealed.content
    wraps = [_wrap(content, holder, sealed.data_key) for holder in readers]
    content.statement_id = record_about_set(
        content.data_set,
        how.event,
        author=how.author,
        by=how.by,
        run=content.run,
        metadata=how.metadata,
        sealing=sealing_of(content, wraps),
    )
    content.save(force_insert=True)
    SetWrap.objects.bulk_create(wraps)
    return content


def give(content: SetContent, *, owner: UUID, to: UUID) -> SetWrap:
    """Wrap a content's key for one more holder; nothing is encrypted again.

    Raises:
        RecordDamaged: the owner's wrap does not open.
        KeyUnavailable: a key cannot be used now.
    """
    wrap = _wrap(content, to, data_key_of(content, owner))
    wrap.save()
    return wrap


def sealing_of(content: SetContent, wraps: Iterable[SetWrap]) -> Sealing:
    """What the ledger says of a content for the readers given."""
    pairs = ((bytes(wrap.key_id), bytes(wrap.wrapped_key)) for wrap in wraps)
    return Sealing(
        cid=bytes(parse_cid(content.cid)),
        wraps_hash=wraps_hash(pairs),
        key_commitment=bytes(content.key_commitment),
    )


def open_content(content: SetContent, holder_id: UUID) -> Iterator[bytes]:
    """Fetch a content by its CID and open it with one holder's key, piece by piece.

    Raises:
        RecordDamaged: the ledger names another content, there is no wrap, or the
            envelope does not open; in part when iterated.
        StorageError: a block is missing or damaged; when iterated.
    """
    _check_against_ledger(content)
    data_key = data_key_of(content, holder_id)
    blocks = content_store().read(parse_cid(content.cid))
    with RecordDamaged.instead_of_encryption_errors():
        yield from open_sealed(blocks, data_key=data_key, record_id=content.pk.bytes)


def read_content(content: SetContent, holder_id: UUID) -> bytes:
    """A content that memory holds, whole; raises as ``open_content``."""
    return b"".join(open_content(content, holder_id))


def data_key_of(content: SetContent, holder_id: UUID) -> bytes:
    """The content's data key, unwrapped with one holder's key.

    Raises:
        RecordDamaged: there is no wrap for the holder, or it holds another key.
        KeyUnavailable: the holder's key is not to be had.
    """
    wrap = content.wraps.filter(holder_id=holder_id).first()
    if wrap is None:
        raise RecordDamaged("The key of this data set is not there for this reader.")
    key_id = bytes(wrap.key_id)
    with RecordDamaged.instead_of_encryption_errors():
        data_key = unwrap_key(
            bytes(wrap.wrapped_key),
            private_key=opening_key(key_id),
            record_id=content.pk.bytes,
            recipient_key_id=key_id,
        )
        check_commitment(
            data_key, content.pk.bytes, commitment=bytes(content.key_commitment)
        )
    return data_key


def _wrap(content: SetContent, holder_id: UUID, data_key: bytes) -> SetWrap:
    key = sealing_key(holder_id)
    wrapped = wrap_key(
        data_key,
        public_key=key.public_key,
        record_id=content.pk.bytes,
        recipient_key_id=key.key_id,
    )
    return SetWrap(
        content=content, holder_id=holder_id, key_id=key.key_id, wrapped_key=wrapped
    )


def _check_against_ledger(content: SetContent) -> None:
    said = statement(bytes(content.statement_id))
    if (
        said is None
        or said.tenant != content.data_set.institution_id
        or said.cid != bytes(parse_cid(content.cid))
        or said.key_commit != bytes(content.key_commitment)
    ):
        raise RecordDamaged(
            "The ledger names another content for this data set; it is not shown."
        )
