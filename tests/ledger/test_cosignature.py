"""Cosignatures: a witness's word about one text at one time, never about another."""

import base64
import struct
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.checkpoint import Checkpoint, parse_and_verify, sign
from ledger.cosignature import cosign, cosignatures, cosignatures_in
from ledger.errors import NoteRejected
from ledger.note import COSIGNATURE_TYPE, ED25519_TYPE, open_note, signature_line
from ledger.signing import is_signed_by
from ledger.verifier_key import VerifierKey, parse_verifier_key
from tests.ledger.values import ORIGIN, flip, hash32, signer

# A checkpoint that a public Certificate Transparency log signed (twice, once as RFC
# 6962 has it) and four witnesses cosigned.
REAL = """\
arche2025h1.staging.ct.transparency.dev
1432088532
U7WM79jrzyhGZ5/GUBTpM7NzwdyfFx61t3RovgcC4Ro=

— arche2025h1.staging.ct.transparency.dev zTM8sQAAAZ5W0WdjBAMARjBEAiBjW5IQf9pvsYLfQFX6hoGREPMHbdQ3urbllzalApkptQIgIpwtEroeW2BXaHAI4kJXFbon5Ch9MNL5zRNZ55lvGt0=
— arche2025h1.staging.ct.transparency.dev ui8GwCF1+kWqZrxGdhj4aX3gcw7XUlXQQabg/27lefwhUkzbC3NygNI75MdhL1bfTW9g8Ei59RA23oHP7Ry1k3ZFWwQ=
— transparency.dev/DEV:witness-little-garden 2AQqhwAAAABqEiEgzgFIqqhbUoDwjMWE6UP8nd8/KYTzwZ2rhIgcqoXHAwVkjZr4AscylP3v7sEodkRAErumC2q44vdgJY096st5BQ==
— witness1.smartit.nu/witness1 pIyCDwAAAABqEiEghIp82KWebrw7/oHQwlTAm3g2RKS4+eebl8eO0WH+/iEcxZ75W3u5hNI7TOQtmJbqmNWVuE0tgh0XwzdZsDsUAQ==
— remora.n621.de 2net5wAAAABqEiEgPlfF3V06o0Y+fHM+J5J9s27wgxxcOVSpZ/2g/KSiXCg9DEZI+aVCIobWX9sXTynk5XeU/zZ0WBxtqB0DrAWfBw==
— witness.stagemole.eu Z/euoAAAAABqEiEgw0i+7g2ENfDAWHmtRzCfKTHSDwYDJA2NmKeGi9Y8FtEyOUvVr+AJmIY/2TUFucgKi7lI7cUiOvKFYe/TmN9DAg==
"""
REAL_LOG = (
    "arche2025h1.staging.ct.transparency.dev+ba2f06c0"
    "+AU0vHmlGCS/PdN8b2OaGmKprLI8HKM+dJ472xgFYh15f"
)
REMORA = "remora.n621.de+da77ade7+BOvN63jn/bLvkieywe8R6UYAtVtNbZpXh34x7onlmtw2"
STAGEMOLE = "witness.stagemole.eu+67f7aea0+BEqSG3yu9YrmcM3BHvQYTxwFj3uSWakQepafafpUqklv"
SMARTIT = (
    "witness1.smartit.nu/witness1+a48c820f+BPSFWg9G6KPiO7QPryYO5Xq4oYJJ+kAvLKLSimDhoxMO"
)
REAL_WITNESSES = [
    parse_verifier_key(text, signature_type=COSIGNATURE_TYPE)
    for text in (REMORA, STAGEMOLE, SMARTIT)
]
# The text and the time of c2sp.org/tlog-cosignature, whose keys are not published.
SOFA = (
    "example.com/behind-the-sofa\n"
    "20852163\n"
    "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"
)
SOFA_TIME = 1_679_315_147

LOG = signer(1)
SIGNED = sign(Checkpoint(ORIGIN, 5, hash32("root")), LOG)
TEXT = SIGNED.rpartition("\n\n")[0] + "\n"
NOW = 1_790_000_000

ALICE, BOB = signer(2), signer(3)
ALICE_KEY = VerifierKey("alice.example", ALICE.public_key, COSIGNATURE_TYPE)
BOB_KEY = VerifierKey("bob.example", BOB.public_key, COSIGNATURE_TYPE)
KNOWN = [ALICE_KEY, BOB_KEY]
ALICE_LINE = cosign(TEXT, name="alice.example", signer=ALICE, time=NOW)
BOB_LINE = cosign(TEXT, name="bob.example", signer=BOB, time=NOW + 1)

times = st.integers(1, 2**63 - 1)


def stamp_of(line: str) -> bytes:
    return base64.b64decode(line.split(" ")[2])


def line_with(stamp: bytes, name: str = "alice.example") -> str:
    return signature_line(name, stamp[:4], stamp[4:])


def said(*lines: str, text: str = TEXT) -> list[tuple[str, int]]:
    """Who says what time under this text, as both readers read it."""
    found = cosignatures(text + "\n" + "".join(lines), KNOWN)
    assert cosignatures_in("".join(lines), text, KNOWN) == found
    return [(cosignature.name, cosignature.time) for cosignature in found]


def refused(*lines: str, match: str, text: str = TEXT) -> None:
    with pytest.raises(NoteRejected, match=match):
        cosignatures(text + "\n" + "".join(lines), KNOWN)
    with pytest.raises(NoteRejected, match=match):
        cosignatures_in("".join(lines), text, KNOWN)


def test_real_witnesses_are_believed_under_a_real_checkpoint():
    log = parse_verifier_key(REAL_LOG, signature_type=ED25519_TYPE)
    checkpoint = parse_and_verify(REAL, origin=log.name, public_key=log.public_key)
    assert checkpoint.size == 1_432_088_532
    found = cosignatures(REAL, REAL_WITNESSES)
    assert [(one.name, one.time) for one in found] == [
        ("witness1.smartit.nu/witness1", 1_779_573_024),
        ("remora.n621.de", 1_779_573_024),
        ("witness.stagemole.eu", 1_779_573_024),
    ]
    assert [one.line for one in found] == REAL.splitlines(keepends=True)[-3:]


def test_real_witnesses_are_not_believed_about_another_size():
    with pytest.raises(NoteRejected, match=r"witness1\.smartit\.nu/witness1 is false"):
        cosignatures(REAL.replace("1432088532", "1432088533"), REAL_WITNESSES)


def test_a_cosignature_has_the_layout_of_the_specification():
    line = cosign(SOFA, name="alice.example", signer=ALICE, time=SOFA_TIME)
    assert line.startswith("— alice.example ")
    assert line.endswith("\n")
    stamp = stamp_of(line)
    public = ALICE.public_key.public_bytes_raw()
    assert stamp[:4] == sha256(b"alice.example\n\x04" + public).digest()[:4]
    assert stamp[4:12] == SOFA_TIME.to_bytes(8, "big")
    message = b"cosignature/v1\ntime 1679315147\n" + SOFA.encode()
    assert is_signed_by(ALICE.public_key, message=message, signature=stamp[12:])
    assert len(stamp) == 4 + 8 + 64


@given(times)
def test_what_is_said_is_read(time: int):
    line = cosign(TEXT, name="alice.example", signer=ALICE, time=time)
    (found,) = cosignatures(SIGNED + line, KNOWN)
    assert (found.name, found.key_id) == ("alice.example", ALICE_KEY.key_id)
    assert (found.time, found.line) == (time, line)


def test_extension_lines_are_cosigned_with_the_rest():
    text = TEXT + "extension\n"
    line = cosign(text, name="alice.example", signer=ALICE, time=NOW)
    assert said(line, text=text) == [("alice.example", NOW)]
    refused(line, text=TEXT, match="false")
    refused(line, text=TEXT + "extensioN\n", match="false")


def test_several_witnesses_are_read_in_the_note_s_order():
    assert said(ALICE_LINE, BOB_LINE) == [
        ("alice.example", NOW),
        ("bob.example", NOW + 1),
    ]
    assert said(BOB_LINE, ALICE_LINE) == [
        ("bob.example", NOW + 1),
        ("alice.example", NOW),
    ]


def test_a_witness_may_speak_twice():
    later = cosign(TEXT, name="alice.example", signer=ALICE, time=NOW + 9)
    assert said(ALICE_LINE, later) == [
        ("alice.example", NOW),
        ("alice.example", NOW + 9),
    ]


def test_strangers_are_passed_over():
    stranger = cosign(TEXT, name="carol.example", signer=signer(4), time=NOW)
    same_name = cosign(TEXT, name="alice.example", signer=signer(4), time=NOW)
    same_key = cosign(TEXT, name="carol.example", signer=ALICE, time=NOW)
    assert said(stranger, same_name, same_key) == []
    assert said(stranger, ALICE_LINE, same_name) == [("alice.example", NOW)]
    assert cosignatures(SIGNED + ALICE_LINE, []) == []


def test_a_known_name_and_a_known_id_make_no_key_unless_they_belong_together():
    stamp = ALICE_KEY.key_id + stamp_of(BOB_LINE)[4:]
    assert said(line_with(stamp, name="bob.example")) == []


def test_a_false_line_in_a_known_name_is_refused_beside_true_ones():
    false = line_with(flip(stamp_of(ALICE_LINE), 300))
    forged = line_with(ALICE_KEY.key_id + stamp_of(BOB_LINE)[4:])
    for line in (false, forged):
        refused(line, match=r"alice\.example is false")
        refused(line, ALICE_LINE, BOB_LINE, match="false")
        refused(ALICE_LINE, BOB_LINE, line, match="false")


def test_one_flipped_bit_anywhere_is_refused():
    note = (TEXT + "\n" + ALICE_LINE).encode()
    for bit in range(len(note) * 8):
        changed = flip(note, bit).decode(errors="surrogateescape")
        try:
            found = cosignatures(changed, KNOWN)
        except NoteRejected:
            continue
        # The name or the id, 13 and 6 letters, has become a stranger's.
        assert found == []
        assert 5 <= bit // 8 - len(TEXT) < 5 + 13 + 1 + 6


def test_one_flipped_bit_of_the_stamp_is_refused_beside_a_true_line():
    stamp = stamp_of(ALICE_LINE)
    for bit in range(32, len(stamp) * 8):
        refused(BOB_LINE, line_with(flip(stamp, bit)), match=r"alice\.example")


def test_an_earlier_time_cannot_be_put_on_a_cosignature():
    stamp = stamp_of(ALICE_LINE)
    for time in (NOW - 1, NOW + 1, 1, 2**63 - 1):
        moved = stamp[:4] + struct.pack(">Q", time) + stamp[12:]
        refused(line_with(moved), match="false")


def test_a_cosignature_of_another_log_s_checkpoint_is_refused():
    other = TEXT.replace(ORIGIN, "other.example/log")
    refused(cosign(other, name="alice.example", signer=ALICE, time=NOW), match="false")


@pytest.mark.parametrize("time", [0, 2**63, 2**64 - 1])
def test_a_time_that_is_none_is_refused_though_soundly_signed(time: int):
    message = f"cosignature/v1\ntime {time}\n{TEXT}".encode()
    stamp = ALICE_KEY.key_id + struct.pack(">Q", time) + ALICE.sign(message)
    refused(line_with(stamp), match="names no time")


@pytest.mark.parametrize("time", [-1, 0, 2**63])
def test_a_time_that_is_none_is_not_signed(time: int):
    with pytest.raises(ValueError, match="no time"):
        cosign(TEXT, name="alice.example", signer=ALICE, time=time)


def test_a_stamp_of_another_length_is_refused():
    stamp = stamp_of(ALICE_LINE)
    for changed in (stamp[:5], stamp[:12], stamp[:-1], stamp + b"\x00", stamp * 2):
        refused(line_with(changed), match="another length")
    for length in (0, 3, 4):
        encoded = base64.b64encode(stamp[:length]).decode()
        refused(f"— alice.example {encoded}\n", match="malformed")


def test_a_post_quantum_cosignature_is_a_stranger_s():
    mldsa = sha256(b"alice.example\n\x06" + ALICE_KEY.raw).digest()[:4]
    assert said(line_with(mldsa + bytes(8 + 2420))) == []


def test_a_log_s_signature_never_passes_for_a_cosignature():
    """Even where one key does both, which nobody should have it do."""
    alice = VerifierKey(ORIGIN, LOG.public_key, COSIGNATURE_TYPE)
    assert cosignatures(SIGNED, [alice]) == []
    signature = stamp_of(SIGNED.rpartition("\n\n")[2])[4:]
    for forged in (signature, struct.pack(">Q", NOW) + signature):
        line = signature_line(ORIGIN, alice.key_id, forged)
        with pytest.raises(NoteRejected, match=r"another length|false"):
            cosignatures(SIGNED + line, [alice])


def test_a_cosignature_never_passes_for_a_log_s_signature():
    line = cosign(TEXT, name=ORIGIN, signer=LOG, time=NOW)
    note = TEXT + "\n" + line
    with pytest.raises(NoteRejected, match="not signed by"):
        open_note(note, name=ORIGIN, public_key=LOG.public_key)
    log_id = stamp_of(SIGNED.rpartition("\n\n")[2])[:4]
    for forged in (stamp_of(line)[4:], stamp_of(line)[12:]):
        note = TEXT + "\n" + signature_line(ORIGIN, log_id, forged)
        with pytest.raises(NoteRejected, match="false"):
            open_note(note, name=ORIGIN, public_key=LOG.public_key)


def test_what_a_witness_signs_is_no_checkpoint():
    """Even for a log that names itself so as to be taken in."""
    origin = "cosignature/v1"
    message = f"{origin}\ntime {NOW}\n{TEXT}"
    log_id = VerifierKey(origin, ALICE.public_key).key_id
    note = f"{message}\n{signature_line(origin, log_id, stamp_of(ALICE_LINE)[12:])}"
    assert open_note(note, name=origin, public_key=ALICE.public_key) == message
    with pytest.raises(NoteRejected, match="plain decimal"):
        parse_and_verify(note, origin=origin, public_key=ALICE.public_key)


def test_the_message_does_not_name_its_witness():
    """Which is why a policy refuses one key under two names."""
    twin = VerifierKey("twin.example", ALICE.public_key, COSIGNATURE_TYPE)
    relabelled = line_with(twin.key_id + stamp_of(ALICE_LINE)[4:], "twin.example")
    found = cosignatures(SIGNED + ALICE_LINE + relabelled, [ALICE_KEY, twin])
    assert [one.name for one in found] == ["alice.example", "twin.example"]


@pytest.mark.parametrize(
    "answer",
    [
        "",
        "\n",
        ALICE_LINE[:-1],
        ALICE_LINE[:-1] + " ",
        ALICE_LINE + "\n",
        "\n" + ALICE_LINE,
        ALICE_LINE + "\n" + BOB_LINE,
        ALICE_LINE.replace("\n", "\r\n"),
        ALICE_LINE.replace("— ", "- "),
        ALICE_LINE.replace("— ", "—\u00a0"),
        ALICE_LINE + "thank you\n",
        SIGNED + ALICE_LINE,
        "5\n",
    ],
)
def test_an_answer_is_signature_lines_alone(answer: str):
    with pytest.raises(NoteRejected):
        cosignatures_in(answer, TEXT, KNOWN)


def test_an_answer_is_about_the_text_that_was_sent():
    assert cosignatures_in(ALICE_LINE, TEXT, KNOWN)[0].line == ALICE_LINE
    with pytest.raises(NoteRejected, match="false"):
        cosignatures_in(ALICE_LINE, TEXT.replace("\n5\n", "\n6\n"), KNOWN)
