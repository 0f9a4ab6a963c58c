"""Verifier keys: one written form, tied to its own id, good for one kind of signature."""

import base64
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.errors import NoteRejected
from ledger.note import COSIGNATURE_TYPE, ED25519_TYPE, open_note, sign_note
from ledger.verifier_key import VerifierKey, parse_verifier_key
from tests.ledger.values import flip, signer

# The example of c2sp.org/signed-note.
FOO = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
FOO_ID, FOO_BASE64 = FOO.split("+")[1:]
FOO_NOTE = (
    "This is an example message.\n"
    "\n"
    "— example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsY"
    "jOBH3mFXmRKuwHjG1Yu72IneyaQM=\n"
)
# That of golang.org/x/mod/sumdb/note, whose name has no dot.
PETER = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
# Witnesses of the public network.
REMORA = "remora.n621.de+da77ade7+BOvN63jn/bLvkieywe8R6UYAtVtNbZpXh34x7onlmtw2"
NAVIGLI = (
    "witness.navigli.sunlight.geomys.org+a3e00fe2"
    "+BNy/co4C1Hn1p+INwJrfUlgz7W55dSZReusH/GhUhJ/G"
)
SMARTIT = (
    "witness1.smartit.nu/witness1+a48c820f+BPSFWg9G6KPiO7QPryYO5Xq4oYJJ+kAvLKLSimDhoxMO"
)

kinds = st.sampled_from((ED25519_TYPE, COSIGNATURE_TYPE))
# What a signature line can carry: no blanks of any script, no plus, valid UTF-8.
names = (
    st.text(st.characters(exclude_categories=("C", "Z"), exclude_characters="+"))
    .filter(bool)
    .filter(lambda name: not any(c.isspace() for c in name))
)


def log_key(text: str) -> VerifierKey:
    return parse_verifier_key(text, signature_type=ED25519_TYPE)


def witness_key(text: str) -> VerifierKey:
    return parse_verifier_key(text, signature_type=COSIGNATURE_TYPE)


def refused(text: str, match: str | None = None) -> None:
    for parse in (log_key, witness_key):
        with pytest.raises(NoteRejected, match=match):
            parse(text)


def foo_with(material: bytes) -> str:
    return f"example.com/foo+{FOO_ID}+{base64.b64encode(material).decode()}"


@pytest.mark.parametrize("text", [FOO, PETER])
def test_published_log_keys_are_read_as_they_are_written(text: str):
    key = log_key(text)
    name, key_id, encoded = text.split("+", 2)
    assert key.name == name
    assert key.key_id.hex() == key_id
    assert b"\x01" + key.raw == base64.b64decode(encoded)
    assert str(key) == text


@pytest.mark.parametrize("text", [REMORA, NAVIGLI, SMARTIT])
def test_published_witness_keys_are_read_as_they_are_written(text: str):
    key = witness_key(text)
    assert text.startswith(f"{key.name}+{key.key_id.hex()}+B")
    assert str(key) == text


def test_a_plus_in_the_base64_ends_nothing():
    assert NAVIGLI.count("+") == SMARTIT.count("+") == 3
    assert witness_key(NAVIGLI).name == "witness.navigli.sunlight.geomys.org"
    assert witness_key(SMARTIT).key_id.hex() == "a48c820f"


def test_the_specification_s_key_opens_the_specification_s_note():
    key = log_key(FOO)
    opened = open_note(FOO_NOTE, name=key.name, public_key=key.public_key)
    assert opened == "This is an example message.\n"


@given(names, st.integers(0, 50), kinds)
def test_what_is_written_is_read(name: str, seed: int, kind: int):
    key = VerifierKey(name, signer(seed).public_key, kind)
    assert parse_verifier_key(str(key), signature_type=kind) == key


@given(names, st.integers(0, 50))
def test_a_key_read_back_opens_what_its_signer_signed(name: str, seed: int):
    key = log_key(str(VerifierKey(name, signer(seed).public_key)))
    note = sign_note("text\n", name=name, signer=signer(seed))
    assert open_note(note, name=key.name, public_key=key.public_key) == "text\n"


def test_one_key_has_another_id_for_every_kind_and_every_name():
    public_key = signer(1).public_key
    keys = [
        VerifierKey(name, public_key, kind)
        for name in ("a", "b")
        for kind in (ED25519_TYPE, COSIGNATURE_TYPE)
    ]
    assert len({key.key_id for key in keys}) == 4
    assert len({key.raw for key in keys}) == 1


@pytest.mark.parametrize("bit", range(32))
def test_an_id_that_is_not_the_key_s_own_is_refused(bit: int):
    false = flip(bytes.fromhex(FOO_ID), bit).hex()
    with pytest.raises(NoteRejected, match=f"does not have the id {false}"):
        log_key(FOO.replace(FOO_ID, false))


def test_another_name_does_not_go_with_the_id():
    with pytest.raises(NoteRejected, match="does not have the id"):
        log_key(FOO.replace("example.com/foo", "example.com/bar"))


def test_one_flipped_bit_anywhere_is_refused():
    for text, parse in ((FOO, log_key), (SMARTIT, witness_key)):
        data = text.encode()
        for bit in range(len(data) * 8):
            with pytest.raises(NoteRejected):
                parse(flip(data, bit).decode("latin-1"))


def test_a_log_s_key_is_no_witness_s_nor_the_reverse():
    with pytest.raises(NoteRejected, match=r"type 1, a witness's \(4\)"):
        witness_key(FOO)
    with pytest.raises(NoteRejected, match=r"type 4, a log's \(1\)"):
        log_key(REMORA)


@pytest.mark.parametrize("kind", [0, 2, 3, 5, 6, 0xFA, 0xFF])
def test_other_kinds_of_signature_are_refused(kind: int):
    refused(foo_with(bytes([kind]) + log_key(FOO).raw), match=f"type {kind},")


def test_a_kind_rewritten_does_not_go_with_the_id():
    forged = foo_with(bytes([COSIGNATURE_TYPE]) + log_key(FOO).raw)
    with pytest.raises(NoteRejected, match="does not have the id"):
        witness_key(forged)


@pytest.mark.parametrize("length", [0, 1, 2, 31, 33, 64, 1312])
def test_a_key_of_another_length_is_refused(length: int):
    for kind in (ED25519_TYPE, COSIGNATURE_TYPE):
        refused(foo_with(bytes([kind]) + bytes(length)), match="no Ed25519 key")


def test_a_key_without_its_kind_is_refused():
    refused(foo_with(b""), match="no Ed25519 key")
    refused(foo_with(log_key(FOO).raw), match="no Ed25519 key")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "+",
        "++",
        "example.com/foo",
        f"example.com/foo+{FOO_ID}",
        f"example.com/foo+{FOO_ID}+",
        f"example.com/foo++{FOO_BASE64}",
        f"example.com/foo {FOO_ID} {FOO_BASE64}",
        f"example.com/foo+{FOO_BASE64}+{FOO_ID}",
        FOO.replace(FOO_ID, FOO_ID.upper()),
        FOO.replace(FOO_ID, "0x" + FOO_ID[:6]),
        FOO.replace(FOO_ID, "53 0d 90 3a"),
        FOO.replace(FOO_ID, FOO_ID[:-1]),
        FOO.replace(FOO_ID, FOO_ID + "0"),
        FOO.replace(FOO_ID, "0" + FOO_ID),
        FOO.replace(FOO_ID, "٥30d903a"),
        FOO.replace("Rr", "-r"),
        FOO[:-1],
        FOO[:-1] + "=",
        FOO + "A",
        FOO + "\n",
        FOO + " ",
        FOO + "+",
        "\n" + FOO,
        " " + FOO,
        FOO.replace("+Aeky", "+Ae ky"),
        FOO.replace("+Aeky", "+Ae\nky"),
        FOO.replace("+Aeky", "+Ae=ky"),
        FOO.replace("+Aeky", "+Ae€ky"),
    ],
)
def test_malformed_keys_are_refused(text: str):
    refused(text)


@pytest.mark.parametrize("padding", ["=", "==", "===", "===="])
def test_a_key_has_one_written_form(padding: str):
    refused(FOO + padding)


@pytest.mark.parametrize(
    "name", ["", "two words", "a\u00a0b", "a\u2003b", "a\u2028b", "a\tb", "a\x00b"]
)
def test_a_name_that_no_signature_line_can_carry_is_refused(name: str):
    for kind in (ED25519_TYPE, COSIGNATURE_TYPE):
        key = VerifierKey(name, signer(1).public_key, kind)
        with pytest.raises(NoteRejected, match="key name"):
            parse_verifier_key(str(key), signature_type=kind)


def test_a_plus_never_belongs_to_the_name():
    key = VerifierKey("a+b", signer(1).public_key)
    with pytest.raises(NoteRejected, match=re.escape("does not read name+id+key")):
        log_key(str(key))


def test_a_name_that_is_not_utf_8_is_refused():
    with pytest.raises(NoteRejected):
        log_key("\ud800" + FOO)
