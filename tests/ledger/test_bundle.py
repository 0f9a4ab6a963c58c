"""Proof bundles: what holds is called intact, and whatever is touched is named.

Here the script is held to it; test_bundle_page.py holds the page to the same.
"""

import contextlib
import io
import re
import subprocess
import sys
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.bundle import MAX_SEQ, PLACE, BundledEntry, make_bundle, page
from ledger.events import EVENTS, Event
from ledger.offline import check
from ledger.policy import Party, format_policy, k_of_n
from ledger.verifier_key import VerifierKey
from tests.ledger.bundle_attacks import (
    ATTACKS,
    INTACT,
    UNREADABLE,
    UNWITNESSED,
    WRONG,
)
from tests.ledger.bundles import (
    EVIDENCE,
    LOG_PARTY,
    MADE,
    NORTH,
    SEQS,
    SOUTH,
    TWO_OF_THREE,
    bundle,
    entry_file,
    flipped,
    is_threshold,
    members,
    parts,
    whole,
)
from tests.ledger.values import ORIGIN, signer

NOT_YET = "signed, not yet witnessed by enough"


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    made: Path = tmp_path_factory.mktemp("bundle")
    return made


def checked(data: bytes, folder: Path, *more: str) -> tuple[int, str]:
    """What check.py says of a zip: its exit status and last line."""
    (folder / "bundle.zip").write_bytes(data)
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        status = check.main([str(folder / "bundle.zip"), *more])
    return status, said.getvalue().splitlines()[-1]


# --- The script, as a family's lawyer runs it ----------------------------------------


@pytest.fixture(scope="module")
def unpacked(folder: Path) -> Path:
    with zipfile.ZipFile(io.BytesIO(whole())) as archive:
        archive.extractall(folder / "unpacked")
    return folder / "unpacked"


def run_script(unpacked: Path, given_path: Path) -> subprocess.CompletedProcess[str]:
    """Out of the bundle itself, isolated from this project."""
    return subprocess.run(
        [sys.executable, "-I", unpacked / "check.py", given_path],
        capture_output=True,
        text=True,
        check=False,
        cwd=unpacked,
    )


def test_a_bundle_checks_itself_far_from_here(folder: Path, unpacked: Path):
    (folder / "whole.zip").write_bytes(whole())
    for given_path in (folder / "whole.zip", unpacked):
        done = run_script(unpacked, given_path)
        assert (done.returncode, done.stderr) == (INTACT, "")
        assert done.stdout.splitlines()[-1] == "intact"
        for seq in SEQS:
            assert f"entry {seq} holds" in done.stdout
        assert str(LOG_PARTY.key) in done.stdout
        assert NORTH.signer.key_id.hex() in done.stdout


def test_a_damaged_bundle_exits_with_one_and_says_where(folder: Path, unpacked: Path):
    (folder / "damaged.zip").write_bytes(flipped(entry_file(42), 1000))
    done = run_script(unpacked, folder / "damaged.zip")
    assert (done.returncode, done.stderr) == (WRONG, "")
    assert done.stdout.splitlines()[-1].startswith("wrong: entry 42: ")


def test_without_a_bundle_it_exits_with_two(folder: Path, unpacked: Path):
    done = run_script(unpacked, folder / "nowhere.zip")
    assert (done.returncode, done.stderr) == (UNREADABLE, "")


def test_a_reader_s_own_policy_stands_in_for_the_bundle_s(folder: Path):
    """A forger makes a log with its own policy; nobody else's policy knows it."""
    lax = bundle(names=[], policy=k_of_n((LOG_PARTY,), (), 0))
    own = folder / "own-policy"
    own.write_text(format_policy(TWO_OF_THREE))
    assert checked(lax, folder) == (INTACT, "intact")
    assert checked(lax, folder, str(own)) == (UNWITNESSED, NOT_YET)
    stranger = Party(ORIGIN, VerifierKey(ORIGIN, signer(66).public_key))
    own.write_text(format_policy(replace(TWO_OF_THREE, logs=(stranger,))))
    assert checked(whole(), folder, str(own))[0] == WRONG


# --- What is touched is found ---------------------------------------------------------


@pytest.mark.parametrize("name", ATTACKS)
def test_the_script_says_what_is_wrong_and_where(name: str, folder: Path):
    attack = ATTACKS[name]
    status, last = checked(attack.make(), folder)
    assert status == (attack.status if attack.script is None else attack.script), last
    if attack.named:  # it stops at the first
        assert last.startswith(f"wrong: entry {attack.named[0]}: ")
    assert (last == "intact") == (status == INTACT)
    assert (last == NOT_YET) == (status == UNWITNESSED)


def blamed(name: str) -> str:
    """How the last line starts where a member was touched."""
    if "/" in name:
        return f"wrong: entry {int(Path(name).stem)}: "
    return "wrong: "


@settings(max_examples=400, deadline=None)
@given(st.data())
def test_no_bit_of_the_evidence_can_be_changed(folder: Path, data: st.DataObject):
    name = data.draw(st.sampled_from(EVIDENCE))
    bits = st.integers(0, len(parts()[name]) * 8 - 1)
    bit = data.draw(bits.filter(lambda bit: not is_threshold(name, bit)))
    status, last = checked(flipped(name, bit), folder)
    assert status == WRONG
    assert last.startswith(blamed(name))


PROVEN = re.compile(
    rb'"authors":\{[^}]*\}|"origin":"[^"]*"|"seq":[0-9]+'
    rb'|"opening":\{.*?"subject":"[^"]*"\}'
)


@settings(max_examples=400, deadline=None)
@given(st.data())
def test_no_bit_that_opens_an_entry_can_be_changed(folder: Path, data: st.DataObject):
    part = data.draw(st.sampled_from(list(PROVEN.finditer(parts()["told.json"]))))
    bit = data.draw(st.integers(part.start() * 8, part.end() * 8 - 1))
    status, _ = checked(flipped("told.json", bit), folder)
    assert status in (WRONG, UNREADABLE)


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_nothing_makes_the_script_stumble(folder: Path, data: st.DataObject):
    """Bytes of the zip itself changed, cut or put in: an answer, never a traceback."""
    made = bytearray(whole())
    at = data.draw(st.integers(0, len(made) - 1))
    count = data.draw(st.sampled_from([0, 1, 4, 1000]))
    made[at : at + count] = data.draw(st.binary(max_size=8))
    status, _ = checked(bytes(made), folder)
    assert status in (INTACT, WRONG, UNREADABLE)


# --- What a bundle is ----------------------------------------------------------------


def test_a_bundle_has_one_form_whatever_the_order():
    assert bundle(seqs=SEQS[::-1]) == whole()


def test_every_member_is_stored_so_that_a_page_can_read_it():
    with zipfile.ZipFile(io.BytesIO(whole())) as archive:
        assert {info.compress_type for info in archive.infolist()} == {0}
        assert archive.namelist() == sorted(archive.namelist())


def test_a_bundle_asks_the_reader_to_trust_keys_not_addresses():
    assert b"https://" not in parts()["policy"]


def test_other_logs_and_authors_are_left_out():
    key = VerifierKey("other.example/log", signer(5).public_key)
    policy = replace(TWO_OF_THREE, logs=(Party(key.name, key), LOG_PARTY))
    assert bundle(policy=policy) == whole()
    told = members(bundle(seqs=[42]))["told.json"]
    assert SOUTH.signer.key_id.hex().encode() in told
    assert NORTH.signer.key_id.hex().encode() not in told


def test_a_policy_without_the_log_is_refused():
    with pytest.raises(ValueError, match="knows no log"):
        bundle(policy=replace(TWO_OF_THREE, logs=()))


@pytest.mark.parametrize("seqs", [(), (41, 41)])
def test_a_bundle_holds_each_entry_once_and_at_least_one(seqs):
    with pytest.raises(ValueError, match="bundle holds"):
        bundle(seqs=seqs)


@pytest.mark.parametrize(
    ("seq", "made_at", "why"),
    [
        (MAX_SEQ + 1, MADE, "between 0"),
        (-1, MADE, "between 0"),
        (0, MADE.replace(tzinfo=None), "zone"),
    ],
)
def test_what_a_reader_could_not_read_is_refused(seq, made_at, why):
    with pytest.raises(ValueError, match=why):
        make_bundle(
            entries=[BundledEntry(seq, b"", ())],
            checkpoint=parts()["checkpoint"].decode(),
            policy=TWO_OF_THREE,
            authors={},
            title="",
            made_at=made_at,
        )


def test_what_is_told_cannot_end_the_element_it_is_embedded_in():
    told = {"told.json": b"</script>", "</script>": b""}
    assert page(told).count("</script>") == page().count("</script>")


def test_the_page_has_one_place_for_a_bundle():
    assert page().count(PLACE) == 1


def test_the_checkers_know_every_kind_of_event():
    """A new kind goes into KINDS of check.py and of check.html."""
    assert {event.value for event in Event} == check.KINDS
    lines = re.findall(r'^  (\d+): "(.+)",$', page(), re.MULTILINE)
    assert {int(kind): text for kind, text in lines} == {
        event.value: text.sentence for event, text in EVENTS.items()
    }
    readme = parts()["README.txt"].decode()
    assert all(text.sentence in readme for text in EVENTS.values())


def test_the_script_is_short_enough_to_be_read():
    assert len(parts()["check.py"].splitlines()) <= 150
