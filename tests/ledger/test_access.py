"""A mirror's pass holds for one path of one log, for a few minutes, and for nobody else."""

import base64
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.checkpoint import Checkpoint, sign
from ledger.cosignature import cosign
from ledger.mirroring.access import authorization, is_authorised
from ledger.note import COSIGNATURE_TYPE, sign_note, split_note
from ledger.tiles import TileId
from ledger.verifier_key import VerifierKey
from tests.ledger.values import ORIGIN, flip, hash32, signer

NOW = 1_790_000_000
PATH = "tile/entries/x001/234.p/5"
MIRROR, STRANGER = signer(1), signer(2)
NAME = "hospital.example/mirror"
KEY = VerifierKey(NAME, MIRROR.public_key)
SCHEME = "Signed-Note "

names = st.text("abcxyz0189./-_é", min_size=1, max_size=40)
times = st.integers(1, 10**12)
paths = st.builds(TileId, st.just(0), st.integers(0, 10**18), st.integers(1, 256)).map(
    lambda tile: f"tile/entries/{tile.path}"
)


def asked(**fields: Any) -> str:
    """A mirror's header for one request."""
    given = {
        "origin": ORIGIN,
        "path": PATH,
        "time": NOW,
        "name": NAME,
        "signer": MIRROR,
    }
    return authorization(**{**given, **fields})


def is_let_in(header: str, **fields: Any) -> bool:
    """Whether the log lets a mirror's header pass for the same request."""
    given = {"origin": ORIGIN, "path": PATH, "time": NOW, "keys": [KEY]}
    return is_authorised(header, **{**given, **fields})


def header_of(note: str | bytes) -> str:
    data = note.encode() if isinstance(note, str) else note
    return SCHEME + base64.b64encode(data).decode()


def note_in(header: str) -> bytes:
    return base64.b64decode(header.removeprefix(SCHEME))


def signed_by_the_mirror(text: str) -> str:
    return header_of(sign_note(text, name=NAME, signer=MIRROR))


def request_of(time: object = NOW, head: str = "anamnesis/mirror-request/v1") -> str:
    return f"{head}\n{ORIGIN}\n{PATH}\n{time}\n"


@given(origin=names, path=paths, time=times, name=names)
def test_a_known_mirror_gets_what_it_asks_for(origin, path, time, name):
    header = asked(origin=origin, path=path, time=time, name=name)
    keys = [VerifierKey(name, MIRROR.public_key)]
    assert is_let_in(header, origin=origin, path=path, time=time, keys=keys)


def test_the_note_is_the_one_that_is_written_down():
    text, signatures = split_note(note_in(asked()).decode())
    assert text == request_of()
    assert [(found.name, found.key_id) for found in signatures] == [(NAME, KEY.key_id)]


@given(asked_for=paths, served=paths)
def test_a_pass_for_one_path_opens_no_other(asked_for, served):
    assert is_let_in(asked(path=asked_for), path=served) == (asked_for == served)


@given(asked_of=names, serving=names)
def test_a_pass_for_one_log_opens_no_other(asked_of, serving):
    assert is_let_in(asked(origin=asked_of), origin=serving) == (asked_of == serving)


@given(time=times, off=st.integers(-700, 700) | st.integers())
def test_a_pass_ages_as_fast_as_it_ripens(time, off):
    assert is_let_in(asked(time=time), time=time + off) == (abs(off) <= 300)


@pytest.mark.parametrize(("off", "is_right"), [(300, True), (301, False)])
def test_clocks_may_differ_by_five_minutes(off, is_right):
    assert is_let_in(asked(), time=NOW + off) is is_right
    assert is_let_in(asked(), time=NOW - off) is is_right


@given(bit=st.integers(0, len(note_in(asked())) * 8 - 1))
def test_one_flipped_bit_of_the_note_locks_the_door(bit):
    assert not is_let_in(header_of(flip(note_in(asked()), bit)))


@given(bit=st.integers(len(SCHEME) * 8, len(asked()) * 8 - 1))
def test_a_flipped_bit_of_the_header_says_the_same_or_nothing(bit):
    """Base64 leaves bits of its last letter unused; all others count."""
    header = flip(asked().encode(), bit).decode("latin-1")
    if is_let_in(header):
        assert note_in(header) == note_in(asked())


@given(cut=st.integers(1, len(note_in(asked()))))
def test_a_note_cut_short_is_none(cut):
    assert not is_let_in(header_of(note_in(asked())[:-cut]))


@given(st.text() | st.binary().map(header_of))
def test_whatever_else_is_sent_is_refused(header):
    assert not is_let_in(header)


MALFORMED = {
    "nothing": "",
    "scheme alone": SCHEME,
    "scheme without its blank": "Signed-Note",
    "password": "Basic dXNlcjpwYXNzd29yZA==",
    "bearer": f"Bearer {note_in(asked()).hex()}",
    "another scheme": asked().replace(SCHEME, "Basic "),
    "small letters": asked().replace(SCHEME, "signed-note "),
    "scheme twice": asked().replace(SCHEME, SCHEME + SCHEME),
    "padding too much": asked() + "=",
    "padding too little": asked().removesuffix("="),
    "blank at the end": asked() + " ",
    "blank inside": asked()[:40] + " " + asked()[40:],
    "twice": asked() + ", " + asked(),
    "no letter of base64": asked() + "é",
    "not encoded": SCHEME + note_in(asked()).decode(),
    "in hex": SCHEME + note_in(asked()).hex(),
    "newline too much": header_of(note_in(asked()) + b"\n"),
    "newline too little": header_of(note_in(asked())[:-1]),
    "no UTF-8": header_of(b"\xff" + note_in(asked())),
    "too long": header_of(b"x" * 70_000 + b"\n" + note_in(asked())),
}


@pytest.mark.parametrize("header", MALFORMED.values(), ids=MALFORMED)
def test_a_malformed_header_is_refused(header):
    assert header != asked()
    assert not is_let_in(header)


def test_a_header_without_its_scheme_is_refused():
    assert not is_let_in(asked().removeprefix(SCHEME))


@pytest.mark.parametrize(
    "time",
    [
        f"0{NOW}",
        f"+{NOW}",
        f"-{NOW}",
        f" {NOW}",
        f"{NOW} ",
        f"{NOW}.0",
        hex(NOW),
        f"{NOW:_}",
        "١٧٩٠٠٠٠٠٠٠",
        "",
        "now",
        "0",
        "9" * 5_000,
    ],
    ids=lambda time: time[:14] or "nothing",
)
def test_a_time_is_written_in_one_way(time):
    assert is_let_in(signed_by_the_mirror(request_of()))
    assert not is_let_in(signed_by_the_mirror(request_of(time)))


@pytest.mark.parametrize(
    "text",
    [
        request_of(head="anamnesis/mirror-request/v2"),
        request_of(head="Anamnesis/mirror-request/v1"),
        request_of() + "\n",
        "\n" + request_of(),
        request_of() + request_of(),
        request_of() + "and more\n",
        f"anamnesis/mirror-request/v1\n{ORIGIN}\n{NOW}\n",
        f"{ORIGIN}\n{PATH}\n{NOW}\n",
    ],
)
def test_only_a_request_is_a_pass(text):
    assert not is_let_in(signed_by_the_mirror(text))


def test_no_checkpoint_passes_for_a_request():
    """The log's key signs both; what it has published opens nothing."""
    note = sign(Checkpoint(ORIGIN, NOW, hash32("root")), MIRROR)
    keys = [VerifierKey(ORIGIN, MIRROR.public_key)]
    assert not is_let_in(header_of(note), keys=keys)


def test_nobody_is_known_without_keys():
    assert not is_let_in(asked(), keys=[])


@pytest.mark.parametrize(
    ("name", "by"),
    [(NAME, STRANGER), ("other.example/mirror", MIRROR), (f"{NAME}x", STRANGER)],
)
def test_name_and_key_belong_together(name, by):
    assert not is_let_in(asked(name=name, signer=by))


def test_a_witness_s_key_signs_no_request():
    """The same key in another role has another id."""
    witness = VerifierKey(NAME, MIRROR.public_key, COSIGNATURE_TYPE)
    assert not is_let_in(asked(), keys=[witness])
    line = cosign(request_of(), name=NAME, signer=MIRROR, time=NOW)
    assert not is_let_in(header_of(f"{request_of()}\n{line}"), keys=[KEY, witness])


def test_any_of_the_known_mirrors_is_let_in():
    others = [VerifierKey(f"{n}.example", signer(n).public_key) for n in range(5, 9)]
    assert is_let_in(asked(), keys=[*others, KEY])
    assert not is_let_in(asked(), keys=others)


def test_a_stranger_s_signature_beside_a_mirror_s_changes_nothing():
    strange = sign_note(request_of(), name="x.example", signer=STRANGER)
    line = strange.removeprefix(f"{request_of()}\n")
    both = note_in(asked()).decode() + line
    assert is_let_in(header_of(both))
    assert not is_let_in(header_of(strange))


def test_a_false_signature_in_a_mirror_s_name_is_not_outweighed_by_a_true_one():
    text, (found,) = split_note(note_in(asked()).decode())
    _, (false,) = split_note(note_in(asked(time=NOW + 1)).decode())
    assert not is_let_in(header_of(f"{text}\n{found.line}{false.line}"))
