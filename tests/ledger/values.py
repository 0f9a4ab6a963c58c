"""Statements and entries to test with."""

from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import strategies as st

from ledger.encoding import (
    Entry,
    Statement,
    encode_statement,
    log_id,
    signed_bytes,
)
from ledger.events import Event
from ledger.signing import Ed25519Signer

ORIGIN = "portal.example/ledger/2026"


def signer(seed: int = 0) -> Ed25519Signer:
    key = sha256(b"test key %d" % seed).digest()
    return Ed25519Signer(Ed25519PrivateKey.from_private_bytes(key))


def hash32(text: object) -> bytes:
    return sha256(repr(text).encode()).digest()


@dataclass(frozen=True)
class Author:
    """An institution that signs statements for a log."""

    tenant: int = 7
    origin: str = ORIGIN
    signer: Ed25519Signer = field(default_factory=signer)

    def statement(self, number: int = 0, **fields: Any) -> Statement:
        given: dict[str, Any] = {
            "statement_id": hash32(("statement", number))[:16],
            "tenant": self.tenant,
            "kind": Event.DOCUMENT_ADDED,
            "author_key_id": self.signer.key_id,
            "cid": b"\x01\x55\x12\x20" + hash32(("document", number)),
        }
        return Statement(**{**given, **fields})

    def sign(self, statement: Statement) -> bytes:
        data = signed_bytes(log_id(self.origin), encode_statement(statement))
        return self.signer.sign(data)

    def entry(self, seq: int, previous_hash: bytes, **fields: Any) -> Entry:
        statement = self.statement(seq, **fields)
        return Entry(
            log_id=log_id(self.origin),
            seq=seq,
            previous_hash=previous_hash,
            ts_ms=1_790_000_000_000 + seq,
            statement=statement,
            signature=self.sign(statement),
        )


hashes = st.binary(min_size=32, max_size=32)
statements = st.builds(
    Statement,
    statement_id=st.binary(min_size=16, max_size=16),
    tenant=st.integers(-(2**31), 2**31 - 1),
    kind=st.sampled_from(Event),
    author_key_id=hashes,
    subject_tag=hashes,
    cid=st.binary(max_size=254).map(lambda tail: b"\x01" + tail) | st.just(b""),
    wraps_hash=hashes,
    key_commit=hashes,
    meta_commit=hashes,
)
entries = st.builds(
    Entry,
    log_id=st.binary(min_size=16, max_size=16),
    seq=st.integers(0, 2**63 - 1),
    previous_hash=hashes,
    ts_ms=st.integers(0, 2**63 - 1),
    statement=statements,
    signature=st.binary(min_size=64, max_size=64),
)


def flip(data: bytes, bit: int) -> bytes:
    """The same bytes with one bit changed; bit counts from the first byte's lowest."""
    changed = bytearray(data)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)
