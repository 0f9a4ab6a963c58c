"""C2SP cosignatures: a witness says when it saw a log grow consistently.

    cosignature/v1
    time <seconds since 1970>
    <the checkpoint's own lines>

https://c2sp.org/tlog-cosignature, the Ed25519 kind
"""

import struct
from collections.abc import Iterable
from dataclasses import dataclass

from ledger.errors import NoteRejected
from ledger.note import (
    COSIGNATURE_TYPE,
    Signature,
    key_id,
    parse_signatures,
    signature_line,
    split_note,
)
from ledger.signing import SIGNATURE_BYTES, LogSigner, is_signed_by
from ledger.verifier_key import VerifierKey

_TIMESTAMP = struct.Struct(">Q")
_MAX_TIME = 2**63 - 1


@dataclass(frozen=True)
class Cosignature:
    """A verified statement of one witness about one checkpoint."""

    name: str
    key_id: bytes  # 4
    time: int  # seconds since 1970 UTC, by the witness's clock
    line: str  # as it stands in the note, newline included

    @property
    def identity(self) -> tuple[str, bytes]:
        """Whose it is: the key's name with its id."""
        return self.name, self.key_id


def cosign(text: str, *, name: str, signer: LogSigner, time: int) -> str:
    """The line by which a witness vouches for a checkpoint's text.

    Args:
        text: the note's text, its final newline included.
        name: of the witness.
        signer: the witness's own key, used for nothing else.
        time: seconds since 1970 UTC; 0 < time < 2⁶³.
    """
    if not 0 < time <= _MAX_TIME:
        raise ValueError(f"{time} is no time of a cosignature.")
    stamp = _TIMESTAMP.pack(time) + signer.sign(_message(text, time))
    key = key_id(name, signer.public_key, COSIGNATURE_TYPE)
    return signature_line(name, key, stamp)


def cosignatures(note: str, keys: Iterable[VerifierKey]) -> list[Cosignature]:
    """What the known witnesses say under a checkpoint, in the note's order.

    Signatures of unknown keys are passed over; one that names a known key must hold.

    Raises:
        NoteRejected: the note is malformed, or a known witness's line is false.
    """
    text, signatures = split_note(note)
    return _verified(text, signatures, keys)


def cosignatures_in(
    answer: str, text: str, keys: Iterable[VerifierKey]
) -> list[Cosignature]:
    """What a witness answered: signature lines alone, about the text that was sent.

    Raises:
        NoteRejected: no signature lines, or a known witness's line is false.
    """
    if not answer.endswith("\n"):
        raise NoteRejected("The answer does not end in a newline.")
    return _verified(text, parse_signatures(answer[:-1].split("\n")), keys)


def sound_lines(text: str, lines: str, keys: Iterable[VerifierKey]) -> str:
    """Of the lines kept under a checkpoint, those that do not name a key falsely.

    Args:
        text: the note's text, its final newline included.
        lines: signature lines, each with its newline; may be empty.
        keys: of the witnesses known; lines of others are left as they are.
    """
    known = list(keys)
    return "".join(
        found.line
        for found in parse_signatures(lines.splitlines())
        if _is_sound(text, found, known)
    )


def _is_sound(text: str, found: Signature, keys: list[VerifierKey]) -> bool:
    try:
        _verified(text, [found], keys)
    except NoteRejected:
        return False
    return True


def _verified(
    text: str, signatures: Iterable[Signature], keys: Iterable[VerifierKey]
) -> list[Cosignature]:
    known = {key.identity: key for key in keys}
    return [
        _checked(text, found, known[found.name, found.key_id])
        for found in signatures
        if (found.name, found.key_id) in known
    ]


def _checked(text: str, found: Signature, key: VerifierKey) -> Cosignature:
    if len(found.value) != _TIMESTAMP.size + SIGNATURE_BYTES:
        raise NoteRejected(f"The cosignature of {key.name} has another length.")
    (time,) = _TIMESTAMP.unpack_from(found.value)
    if not 0 < time <= _MAX_TIME:
        raise NoteRejected(f"The cosignature of {key.name} names no time.")
    message, signature = _message(text, time), found.value[_TIMESTAMP.size :]
    if not is_signed_by(key.public_key, message=message, signature=signature):
        raise NoteRejected(f"A cosignature in the name of {key.name} is false.")
    return Cosignature(key.name, found.key_id, time, found.line)


def _message(text: str, time: int) -> bytes:
    return f"cosignature/v1\ntime {time}\n{text}".encode()
