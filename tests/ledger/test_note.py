"""Signed notes, against the reference implementation's published example."""

import base64

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from ledger.errors import NoteRejected
from ledger.note import MAX_SIGNATURES, key_id, open_note, sign_note
from ledger.signing import Ed25519Signer
from tests.ledger.values import flip, signer

# The key and note of golang.org/x/mod/sumdb/note.
SEED = base64.b64decode("AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz")[1:]
PETER = Ed25519Signer(Ed25519PrivateKey.from_private_bytes(SEED))
TEXT = (
    "If you think cryptography is the answer to your problem,\n"
    "then you don't know what your problem is.\n"
)
SIGNATURE = (
    "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNX"
    "gKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
)
NOTE = TEXT + "\n" + SIGNATURE


def opened(note: str) -> str:
    return open_note(note, name="PeterNeumann", public_key=PETER.public_key)


def signed(text: str, name: str = "PeterNeumann") -> str:
    return sign_note(text, name=name, signer=PETER)


def test_the_published_key_has_its_published_id():
    assert key_id("PeterNeumann", PETER.public_key).hex() == "c74f20a3"
    encoded = base64.b64encode(b"\x01" + PETER.public_key.public_bytes_raw())
    assert encoded == b"ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"


def test_the_published_note_opens():
    assert opened(NOTE) == TEXT


def test_signing_gives_the_published_note_byte_for_byte():
    assert signed(TEXT) == NOTE


def test_signatures_of_unknown_keys_are_passed_over():
    other = sign_note(TEXT, name="Enoch", signer=signer(1)).removeprefix(TEXT + "\n")
    same_name = sign_note(TEXT, name="PeterNeumann", signer=signer(1))
    same_name = same_name.removeprefix(TEXT + "\n")
    assert opened(TEXT + "\n" + other + same_name + SIGNATURE) == TEXT
    with pytest.raises(NoteRejected, match="not signed by PeterNeumann"):
        opened(TEXT + "\n" + other + same_name)


def test_a_false_signature_in_the_key_s_name_is_refused_beside_a_true_one():
    stamp = base64.b64decode(SIGNATURE.split(" ")[2])
    false = f"— PeterNeumann {base64.b64encode(flip(stamp, 100)).decode()}\n"
    for lines in (false, false + SIGNATURE, SIGNATURE + false):
        with pytest.raises(NoteRejected, match="false"):
            opened(TEXT + "\n" + lines)


def test_the_text_may_hold_empty_lines():
    assert opened(signed("one\n\ntwo\n")) == "one\n\ntwo\n"


@pytest.mark.parametrize(
    "note",
    [
        "",
        "\n\n",
        TEXT,
        TEXT + SIGNATURE,
        TEXT + "\n" + SIGNATURE[:-1],
        TEXT + "\n" + SIGNATURE + "\n",
        TEXT + "\n\n" + SIGNATURE.replace("— ", "- "),
        NOTE.replace("— ", "—"),
        NOTE.replace("— ", "—\u00a0"),
        NOTE.replace("PeterNeumann ", "Peter Neumann "),
        NOTE.replace("PeterNeumann", "Peter+Neumann"),
        NOTE.replace("PeterNeumann", ""),
        NOTE.replace("JnAM=", "JnAM"),
        NOTE.replace("JnAM=", "JnAN="),
        NOTE.replace("x08go", "x08g!"),
        NOTE.replace("\n", "\r\n"),
        "\t" + NOTE,
        NOTE + "— Enoch AAAA\n",
        NOTE + "hello\n",
        "\ud800" + NOTE,
    ],
)
def test_malformed_notes_are_refused(note: str):
    with pytest.raises(NoteRejected):
        opened(note)


def test_a_note_has_a_limit_to_its_length_with_its_signatures():
    opened(NOTE + SIGNATURE * (MAX_SIGNATURES - 1))
    with pytest.raises(NoteRejected, match="signatures"):
        opened(NOTE + SIGNATURE * MAX_SIGNATURES)
    with pytest.raises(NoteRejected, match="longer"):
        opened("x" * 70_000 + "\n\n" + SIGNATURE)


@given(st.integers(0, len(NOTE.encode()) * 8 - 1))
def test_one_flipped_bit_anywhere_is_refused(bit: int):
    changed = flip(NOTE.encode(), bit).decode(errors="surrogateescape")
    with pytest.raises(NoteRejected):
        opened(changed)


def test_what_no_note_can_hold_is_not_signed():
    for text in ("no newline at the end", "a tab\t\n", "half a pair \ud83d\n"):
        with pytest.raises(NoteRejected):
            signed(text)
    for name in ("", "two words", "a+b", "a\u2003b", "line\nbreak"):
        with pytest.raises(NoteRejected, match="key name"):
            signed(TEXT, name=name)
