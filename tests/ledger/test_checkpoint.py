"""Checkpoints: one written form, one log, one key."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.checkpoint import Checkpoint, parse_and_verify, sign
from ledger.errors import CheckpointRejected, NoteRejected
from ledger.hashing import EMPTY_ROOT
from ledger.note import sign_note
from tests.ledger.values import ORIGIN, hash32, signer

LOG = signer(1)
ROOT = hash32("root")
ROOT64 = base64.b64encode(ROOT).decode()


def parsed(note: str) -> Checkpoint:
    return parse_and_verify(note, origin=ORIGIN, public_key=LOG.public_key)


def soundly_signed(text: str) -> str:
    return sign_note(text, name=ORIGIN, signer=LOG)


def test_a_checkpoint_is_three_lines_under_a_signature():
    note = sign(Checkpoint(ORIGIN, 20_852_163, ROOT), LOG)
    text, _, signatures = note.rpartition("\n\n")
    assert text == f"{ORIGIN}\n20852163\n{ROOT64}"
    assert signatures.startswith(f"— {ORIGIN} ")
    assert signatures.count("\n") == 1


@given(st.integers(0, 2**63 - 1), st.binary(min_size=32, max_size=32))
def test_a_checkpoint_is_read_as_it_was_signed(size: int, root: bytes):
    checkpoint = Checkpoint(ORIGIN, size, root)
    assert parsed(sign(checkpoint, LOG)) == checkpoint


def test_the_empty_log_has_a_checkpoint():
    assert parsed(sign(Checkpoint(ORIGIN, 0, EMPTY_ROOT), LOG)).size == 0


def test_foreign_extension_lines_are_kept():
    note = soundly_signed(f"{ORIGIN}\n5\n{ROOT64}\nmore\n")
    assert parsed(note).extensions == ("more",)


def test_another_key_is_refused():
    note = sign(Checkpoint(ORIGIN, 5, ROOT), signer(2))
    with pytest.raises(NoteRejected, match="not signed by"):
        parsed(note)


def test_another_log_is_refused_even_under_the_right_key():
    note = sign(Checkpoint("other.example/log", 5, ROOT), LOG)
    with pytest.raises(NoteRejected):
        parsed(note)
    text = f"other.example/log\n5\n{ROOT64}\n"
    with pytest.raises(CheckpointRejected, match="not of"):
        parsed(soundly_signed(text))


@pytest.mark.parametrize(
    "text",
    [
        f"{ORIGIN}\n5\n",
        f"{ORIGIN}\n\n{ROOT64}\n",
        f"{ORIGIN}\n05\n{ROOT64}\n",
        f"{ORIGIN}\n+5\n{ROOT64}\n",
        f"{ORIGIN}\n-5\n{ROOT64}\n",
        f"{ORIGIN}\n5 \n{ROOT64}\n",
        f"{ORIGIN}\n٥\n{ROOT64}\n",
        f"{ORIGIN}\n5_0\n{ROOT64}\n",
        f"{ORIGIN}\n9223372036854775808\n{ROOT64}\n",
        f"{ORIGIN}\n{'9' * 5000}\n{ROOT64}\n",
        f"{ORIGIN}\n5\n{ROOT.hex()}\n",
        f"{ORIGIN}\n5\n{base64.b64encode(ROOT[:31]).decode()}\n",
        f"{ORIGIN}\n5\n{ROOT64[:-1]}\n",
        f"{ORIGIN}\n5\n{ROOT64[:-2]}{chr(ord(ROOT64[-2]) + 1)}=\n",
        f"{ORIGIN}\n5\n{ROOT64}\n\nmore\n",
    ],
)
def test_texts_that_are_no_checkpoint_are_refused_though_signed(text: str):
    with pytest.raises(CheckpointRejected):
        parsed(soundly_signed(text))


def test_what_no_checkpoint_can_say_is_not_signed():
    for size in (-1, 2**63):
        with pytest.raises(CheckpointRejected):
            sign(Checkpoint(ORIGIN, size, ROOT), LOG)
    with pytest.raises(CheckpointRejected):
        sign(Checkpoint(ORIGIN, 5, b"short"), LOG)
    with pytest.raises(NoteRejected):
        sign(Checkpoint("two words", 5, ROOT), LOG)
