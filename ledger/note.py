"""C2SP signed notes, signed with Ed25519.

    text, ending in a newline
    (an empty line)
    — key name base64(key id 4 ‖ signature 64)

https://c2sp.org/signed-note
"""

import base64
import binascii
from collections.abc import Iterator
from hashlib import sha256
from typing import NamedTuple

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from ledger.errors import NoteRejected
from ledger.signing import LogSigner, is_signed_by

MAX_NOTE_BYTES = 65_535
MAX_SIGNATURES = 64  # the specification asks for at least 16
KEY_ID_BYTES = 4

ED25519_TYPE = 0x01
COSIGNATURE_TYPE = 0x04  # https://c2sp.org/tlog-cosignature

_SIGNATURE_MARK = "— "
_SURROGATES = frozenset(map(chr, range(0xD800, 0xE000)))  # halves of no UTF-8
_NEVER = _SURROGATES | {"+"}  # in a key's name


class Signature(NamedTuple):
    """One line under a note, taken apart; nothing of it is verified."""

    name: str  # of the key
    key_id: bytes  # 4
    value: bytes  # at least one byte
    line: str  # as it stands in the note, newline included


def key_id(
    name: str, public_key: Ed25519PublicKey, signature_type: int = ED25519_TYPE
) -> bytes:
    """The 4 bytes that tell one key of a name from another; no secure hash."""
    encoded = bytes([signature_type]) + public_key.public_bytes_raw()
    return sha256(name.encode() + b"\n" + encoded).digest()[:KEY_ID_BYTES]


def check_key_name(name: str) -> None:
    """Refuse a name that a signature line cannot carry.

    Raises:
        NoteRejected: empty, or with a space, a plus or a control character.
    """
    if not name or any(c.isspace() or c < " " or c in _NEVER for c in name):
        raise NoteRejected(f"{name!r} is no key name: no spaces, no plus, not empty.")


def sign_note(text: str, *, name: str, signer: LogSigner) -> str:
    """Put a signature under a text.

    Args:
        text: ends in a newline; no control characters but newlines.
        name: of the key, e.g. the log's origin.
        signer: signs the text's UTF-8, final newline included.

    Raises:
        NoteRejected: a note cannot hold this text or name.
    """
    check_key_name(name)
    _check_text(text)
    key = key_id(name, signer.public_key)
    return f"{text}\n{signature_line(name, key, signer.sign(text.encode()))}"


def signature_line(name: str, key: bytes, value: bytes) -> str:
    """The line that carries a signature, newline included."""
    return f"{_SIGNATURE_MARK}{name} {base64.b64encode(key + value).decode()}\n"


def open_note(note: str, *, name: str, public_key: Ed25519PublicKey) -> str:
    """The text of a note, once a known key's signature under it is checked.

    Signatures of other keys are passed over, as the specification demands; a
    signature that names this key must hold.

    Raises:
        NoteRejected: malformed, not signed by this key, or falsely so.
    """
    text, lines = split_note(note)
    wanted = name, key_id(name, public_key)
    signatures = [found for found in lines if (found.name, found.key_id) == wanted]
    if not signatures:
        raise NoteRejected(f"The note is not signed by {name}.")
    for found in signatures:
        if not is_signed_by(public_key, message=text.encode(), signature=found.value):
            raise NoteRejected(f"A signature in the name of {name} is false.")
    return text


def split_note(note: str) -> tuple[str, list[Signature]]:
    """A note's text with the lines under it; no signature is verified.

    Raises:
        NoteRejected: malformed, or longer than this reader takes.
    """
    text, lines = _split(note)
    return text, list(parse_signatures(lines))


def parse_signatures(lines: list[str]) -> Iterator[Signature]:
    """Take signature lines apart, each without its newline.

    Raises:
        NoteRejected: a line is no signature.
    """
    for line in lines:
        name, stamp = _parse_signature(line)
        yield Signature(name, stamp[:KEY_ID_BYTES], stamp[KEY_ID_BYTES:], f"{line}\n")


def _split(note: str) -> tuple[str, list[str]]:
    if len(note.encode(errors="surrogatepass")) > MAX_NOTE_BYTES:
        raise NoteRejected(f"The note is longer than {MAX_NOTE_BYTES} bytes.")
    body, separator, tail = note.rpartition("\n\n")
    if not separator or not tail.endswith("\n"):
        raise NoteRejected("The note has no signatures under an empty line.")
    lines = tail[:-1].split("\n")
    if len(lines) > MAX_SIGNATURES:
        raise NoteRejected(f"The note has more than {MAX_SIGNATURES} signatures.")
    _check_text(body + "\n")
    return body + "\n", lines


def _check_text(text: str) -> None:
    if not text.endswith("\n"):
        raise NoteRejected("A note's text ends in a newline.")
    if any(c < " " and c != "\n" for c in text):
        raise NoteRejected("A note's text has no control characters.")
    if any(c in _SURROGATES for c in text):
        raise NoteRejected("A note's text is UTF-8.")


def _parse_signature(line: str) -> tuple[str, bytes]:
    name, space, encoded = line.removeprefix(_SIGNATURE_MARK).partition(" ")
    if not line.startswith(_SIGNATURE_MARK) or not space:
        raise NoteRejected("A line under the note is no signature.")
    check_key_name(name)
    try:
        stamp = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        raise NoteRejected("A signature under the note is not base64.") from None
    # b64decode lets stray low bits of the last character pass: one text per stamp.
    if base64.b64encode(stamp).decode() != encoded or len(stamp) <= KEY_ID_BYTES:
        raise NoteRejected("A signature under the note is malformed.")
    return name, stamp
