"""Entries, statements ↔ their exact bytes in version 1 of the ledger's layout.

    entry     = "AML1" ‖ log_id 16 ‖ seq u64 ‖ previous_hash 32 ‖ ts_ms u64
              ‖ u16 length ‖ statement ‖ sig_alg u8 ‖ u16 length ‖ signature
    statement = statement_id 16 ‖ tenant i32 ‖ kind i16 ‖ author_key_id 32
              ‖ subject_tag 32 ‖ u8 length ‖ cid ‖ wraps_hash 32 ‖ key_commit 32
              ‖ meta_commit 32 ‖ u16 length ‖ extension

Big-endian throughout. One value has one encoding: the decoder consumes every byte,
then encodes what it read and compares.
"""

import struct
from dataclasses import dataclass
from hashlib import sha256

from ledger.errors import EncodingError
from ledger.events import Event
from ledger.signing import ED25519, SIGNATURE_BYTES

MAGIC = b"AML1"
ID_BYTES = 16
ZERO32 = bytes(32)
MAX_ENTRY_BYTES = 65_535  # fits a C2SP entry bundle's u16 length
MAX_CID_BYTES = 255
MAX_U63 = 2**63 - 1  # a PostgreSQL bigint holds no more
CID_V1 = b"\x01"

_EVENTS = {event.value: event for event in Event}  # looked up by the million
_ENTRY_HEAD = struct.Struct(">4s16sQ32sQH")
_ENTRY_TAIL = struct.Struct(">BH")
TAIL_BEFORE_SIGNATURE = _ENTRY_TAIL.pack(ED25519, SIGNATURE_BYTES)
_KIND, _CID_LENGTH = slice(20, 22), 86  # of a statement's bytes
KINDS = {event.value.to_bytes(2, "big") for event in Event}
NO_EXTENSION = bytes(2)
_STATEMENT_HEAD = struct.Struct(">16sih32s32sB")
_STATEMENT_TAIL = struct.Struct(">32s32s32sH")


@dataclass(frozen=True, slots=True)
class Statement:
    """What an institution says has happened; opaque ids, hashes, nothing personal."""

    statement_id: bytes  # 16, unique in its log
    tenant: int  # i32, the institution
    kind: Event
    author_key_id: bytes  # 32, SHA-256 of SubjectPublicKeyInfo
    subject_tag: bytes = ZERO32  # 32, from commitments.subject_tag
    cid: bytes = b""  # binary CIDv1 of the ciphertext, or nothing
    wraps_hash: bytes = ZERO32  # 32, over the document's key wraps
    key_commit: bytes = ZERO32  # 32, binds the data key
    meta_commit: bytes = ZERO32  # 32, from commitments.meta_commitment


@dataclass(frozen=True, slots=True)
class Entry:
    """A statement in its place in the log."""

    log_id: bytes  # 16
    seq: int  # 0 <= seq < 2⁶³
    previous_hash: bytes  # 32, leaf hash of seq − 1; SHA-256(origin) at seq 0
    ts_ms: int  # sequencer's clock, milliseconds since 1970 UTC, never decreasing
    statement: Statement
    signature: bytes  # 64, Ed25519 over signed_bytes()


def genesis_hash(origin: str) -> bytes:
    """What the first entry of a log names as its previous hash, 32 bytes."""
    return sha256(origin.encode()).digest()


def log_id(origin: str) -> bytes:
    """Name a log by 16 bytes: the start of SHA-256(origin)."""
    return genesis_hash(origin)[:ID_BYTES]


def signed_bytes(log: bytes, statement: bytes) -> bytes:
    """What the author signs: it holds for one log only, so it cannot be moved.

    Args:
        log: 16 bytes, from log_id().
        statement: from encode_statement().
    """
    _check_length("log_id", log, ID_BYTES)
    return b"AML1-statement\n" + log + statement


def encode_statement(statement: Statement) -> bytes:
    """The statement's only encoding.

    Raises:
        EncodingError: a field has the wrong length or lies outside its range.
    """
    _check_length("statement_id", statement.statement_id, ID_BYTES)
    for name in (
        "author_key_id", "subject_tag", "wraps_hash", "key_commit", "meta_commit",
    ):  # fmt: skip
        _check_length(name, getattr(statement, name), 32)
    _check_cid(statement.cid)
    if not -(2**31) <= statement.tenant < 2**31:
        raise EncodingError(f"tenant {statement.tenant} does not fit 32 bits.")
    return _pack_statement(
        statement.statement_id,
        statement.tenant,
        _known_event(statement.kind),
        statement.author_key_id,
        statement.subject_tag,
        statement.cid,
        statement.wraps_hash,
        statement.key_commit,
        statement.meta_commit,
    )


def decode_statement(data: bytes) -> Statement:
    """Read a statement, refusing every byte string that is not its encoding.

    Raises:
        EncodingError: truncated, trailing data, an unknown kind, or an extension
            (version 1 has none).
    """
    if len(data) < _STATEMENT_HEAD.size + _STATEMENT_TAIL.size:
        raise EncodingError(f"{len(data)} bytes are too few for a statement.")
    statement_id, tenant, kind, author, subject, cid_length = (
        _STATEMENT_HEAD.unpack_from(data)
    )
    cid_end = _STATEMENT_HEAD.size + cid_length
    if len(data) < cid_end + _STATEMENT_TAIL.size:
        raise EncodingError("The statement ends inside its CID.")
    wraps, key, meta, extension_length = _STATEMENT_TAIL.unpack_from(data, cid_end)
    if extension_length:
        raise EncodingError("A statement of version 1 has no extension.")
    event, cid = _known_event(kind), data[_STATEMENT_HEAD.size : cid_end]
    _check_cid(cid)
    fields = (statement_id, tenant, event, author, subject, cid, wraps, key, meta)
    if _pack_statement(*fields) != data:
        raise EncodingError("The statement is followed by bytes that are not its own.")
    return Statement(*fields)


def is_statement(data: bytes) -> bool:
    """Whether decode_statement would read this, told in a fifth of its time.

    Everything but these few bytes may have any value.
    """
    if len(data) < _STATEMENT_HEAD.size + _STATEMENT_TAIL.size:
        return False
    cid_length = data[_CID_LENGTH]
    return (
        len(data) == _STATEMENT_HEAD.size + cid_length + _STATEMENT_TAIL.size
        and data[_KIND] in KINDS
        and (not cid_length or data[_STATEMENT_HEAD.size] == CID_V1[0])
        and data[-2:] == NO_EXTENSION
    )


def _pack_statement(
    statement_id: bytes,
    tenant: int,
    kind: int,
    author_key_id: bytes,
    subject_tag: bytes,
    cid: bytes,
    *commits: bytes,
) -> bytes:
    head = _STATEMENT_HEAD.pack(
        statement_id, tenant, kind, author_key_id, subject_tag, len(cid)
    )
    return head + cid + _STATEMENT_TAIL.pack(*commits, 0)


def encode_entry(entry: Entry) -> bytes:
    """The entry's only encoding, the bytes that are hashed.

    Raises:
        EncodingError: a field has the wrong length or lies outside its range.
    """
    _check_length("log_id", entry.log_id, ID_BYTES)
    _check_length("previous_hash", entry.previous_hash, 32)
    _check_length("signature", entry.signature, SIGNATURE_BYTES)
    for name, value in (("seq", entry.seq), ("ts_ms", entry.ts_ms)):
        if not 0 <= value <= MAX_U63:
            raise EncodingError(f"{name} {value} is not between 0 and 2⁶³ − 1.")
    return frame_entry(
        log=entry.log_id,
        seq=entry.seq,
        previous_hash=entry.previous_hash,
        ts_ms=entry.ts_ms,
        statement=encode_statement(entry.statement),
        signature=entry.signature,
    )


def frame_entry(
    *,
    log: bytes,
    seq: int,
    previous_hash: bytes,
    ts_ms: int,
    statement: bytes,
    signature: bytes,
) -> bytes:
    """An entry's bytes around a statement that is one.

    Args:
        log: 16 bytes.
        seq: 0 <= seq < 2⁶³.
        previous_hash: 32 bytes.
        ts_ms: 0 <= ts_ms < 2⁶³.
        statement: from encode_statement().
        signature: 64 bytes.
    """
    head = _ENTRY_HEAD.pack(MAGIC, log, seq, previous_hash, ts_ms, len(statement))
    return head + statement + TAIL_BEFORE_SIGNATURE + signature


def decode_entry(data: bytes) -> Entry:
    """Read an entry, refusing every byte string that is not its encoding.

    Raises:
        EncodingError: unknown version, kind or signature algorithm, truncated,
            trailing data, or longer than 65,535 bytes.
    """
    if len(data) > MAX_ENTRY_BYTES:
        raise EncodingError(f"{len(data)} bytes are more than an entry can have.")
    if len(data) < _ENTRY_HEAD.size:
        raise EncodingError(f"{len(data)} bytes are too few for an entry.")
    magic, log, seq, previous, ts_ms, length = _ENTRY_HEAD.unpack_from(data)
    if magic != MAGIC:
        raise EncodingError(f"Version {magic!r} of the ledger's layout is unknown.")
    statement_end = _ENTRY_HEAD.size + length
    if len(data) < statement_end + _ENTRY_TAIL.size:
        raise EncodingError("The entry ends inside its statement.")
    algorithm, _ = _ENTRY_TAIL.unpack_from(data, statement_end)
    if algorithm != ED25519:
        raise EncodingError(f"Signature algorithm {algorithm} is unknown.")
    statement = decode_statement(data[_ENTRY_HEAD.size : statement_end])
    signature = data[statement_end + _ENTRY_TAIL.size :]
    entry = Entry(log, seq, previous, ts_ms, statement, signature)
    if encode_entry(entry) != data:
        raise EncodingError("The entry's lengths do not add up to its bytes.")
    return entry


def _known_event(kind: int) -> Event:
    event = _EVENTS.get(kind)
    if event is None:
        raise EncodingError(f"Kind {kind} of event is unknown.")
    return event


def _check_length(name: str, value: bytes, length: int) -> None:
    if len(value) != length:
        raise EncodingError(f"{name} has {len(value)} bytes instead of {length}.")


def _check_cid(cid: bytes) -> None:
    if len(cid) > MAX_CID_BYTES:
        raise EncodingError(f"A CID of {len(cid)} bytes is longer than 255.")
    if cid and not cid.startswith(CID_V1):
        raise EncodingError("The CID is not a binary CIDv1.")
