"""Checkpoints: a log's size with its root, signed (https://c2sp.org/tlog-checkpoint)."""

import base64
import binascii
import re
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from ledger.errors import CheckpointRejected
from ledger.hashing import HASH_BYTES
from ledger.note import check_key_name, open_note, sign_note, split_note
from ledger.proofs import MAX_SIZE
from ledger.signing import LogSigner

_SIZE = re.compile(r"0|[1-9][0-9]{0,18}", re.ASCII)


@dataclass(frozen=True)
class Checkpoint:
    """What a log promises never to contradict."""

    origin: str
    size: int  # 0 <= size < 2⁶³
    root: bytes  # 32
    extensions: tuple[str, ...] = ()  # other logs' lines; ours has none


def sign(checkpoint: Checkpoint, signer: LogSigner) -> str:
    """The checkpoint as a signed note, in the name of its origin.

    Raises:
        CheckpointRejected: a size or root that no checkpoint can carry.
        NoteRejected: an origin that no signature line can carry.
    """
    check_key_name(checkpoint.origin)
    _check_sound(checkpoint)
    return sign_note(_text(checkpoint), name=checkpoint.origin, signer=signer)


def parse_and_verify(
    note: str, *, origin: str, public_key: Ed25519PublicKey
) -> Checkpoint:
    """Read a checkpoint that the log of this origin has signed with this key.

    Raises:
        NoteRejected: malformed, or not signed by this key.
        CheckpointRejected: soundly signed, but the text is not a checkpoint of
            this log, or not written in the one way there is.
    """
    text = open_note(note, name=origin, public_key=public_key)
    checkpoint = _parse(text)
    if checkpoint.origin != origin:
        raise CheckpointRejected(
            f"The checkpoint is of {checkpoint.origin}, not of {origin}."
        )
    return checkpoint


def unverified(note: str) -> Checkpoint:
    """The checkpoint in a note that the reader has verified before, or kept himself.

    Raises:
        NoteRejected: malformed.
        CheckpointRejected: the text is no checkpoint.
    """
    text, _ = split_note(note)
    return _parse(text)


def _text(checkpoint: Checkpoint) -> str:
    root = base64.b64encode(checkpoint.root).decode()
    lines = (checkpoint.origin, str(checkpoint.size), root, *checkpoint.extensions)
    return "".join(f"{line}\n" for line in lines)


def _parse(text: str) -> Checkpoint:
    lines = text.removesuffix("\n").split("\n")
    if len(lines) < 3 or not all(lines):
        raise CheckpointRejected("A checkpoint has three lines, none of them empty.")
    origin, size, root, *extensions = lines
    if not _SIZE.fullmatch(size):
        raise CheckpointRejected("The size is not a plain decimal number.")
    try:
        decoded = base64.b64decode(root, validate=True)
    except (binascii.Error, ValueError):
        raise CheckpointRejected("The root is not base64.") from None
    checkpoint = Checkpoint(origin, int(size), decoded, tuple(extensions))
    _check_sound(checkpoint)
    if _text(checkpoint) != text:
        raise CheckpointRejected("The checkpoint is not in its one written form.")
    return checkpoint


def _check_sound(checkpoint: Checkpoint) -> None:
    if not 0 <= checkpoint.size <= MAX_SIZE:
        raise CheckpointRejected(f"No log has {checkpoint.size} entries.")
    if len(checkpoint.root) != HASH_BYTES:
        raise CheckpointRejected(f"A root has {HASH_BYTES} bytes.")
