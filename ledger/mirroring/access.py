"""Tells an authorised mirror from anyone else, by a note that it signs for one request.

    anamnesis/mirror-request/v1
    <origin of the log asked>
    <path asked, below the log's prefix>
    <seconds since 1970 UTC>

It travels as ``Authorization: Signed-Note <base64 of the note>``.
"""

import base64
import binascii
import re
from collections.abc import Iterable

from ledger.errors import NoteRejected
from ledger.note import open_note, sign_note, split_note
from ledger.signing import LogSigner
from ledger.verifier_key import VerifierKey

SCHEME = "Signed-Note "
HEADER = "anamnesis/mirror-request/v1"
CLOCKS_DIFFER_BY = 300  # seconds

_TIME = re.compile(r"[1-9][0-9]{0,14}", re.ASCII)


def authorization(
    *, origin: str, path: str, time: int, name: str, signer: LogSigner
) -> str:
    """The header's value by which a mirror asks for one path of one log.

    Args:
        origin: of the log asked.
        path: below the log's prefix, e.g. ``tile/entries/000``.
        time: seconds since 1970 UTC.
        name: under which the log knows the mirror's key.
        signer: that key.
    """
    note = sign_note(_text(origin, path, time), name=name, signer=signer)
    return SCHEME + base64.b64encode(note.encode()).decode()


def is_authorised(
    header: str, *, origin: str, path: str, time: int, keys: Iterable[VerifierKey]
) -> bool:
    """Whether a known mirror has asked for exactly this, just now.

    Args:
        header: the Authorization header, or nothing.
        origin: of the log asked.
        path: below its prefix.
        time: seconds since 1970 UTC, here.
        keys: of the mirrors.
    """
    if not header.startswith(SCHEME):
        return False
    try:
        note = base64.b64decode(header.removeprefix(SCHEME), validate=True).decode()
        _, signatures = split_note(note)
        asking = {(found.name, found.key_id) for found in signatures}
        return any(
            _asks_for(
                open_note(note, name=key.name, public_key=key.public_key),
                origin,
                path,
                time,
            )
            for key in keys
            if (key.name, key.key_id) in asking
        )
    except (NoteRejected, UnicodeDecodeError, binascii.Error, ValueError):
        return False


def _asks_for(text: str, origin: str, path: str, now: int) -> bool:
    time = text.removesuffix("\n").rpartition("\n")[2]
    return (
        bool(_TIME.fullmatch(time))
        and text == _text(origin, path, int(time))
        and abs(int(time) - now) <= CLOCKS_DIFFER_BY
    )


def _text(origin: str, path: str, time: int) -> str:
    return f"{HEADER}\n{origin}\n{path}\n{time}\n"
