"""A witness, by C2SP tlog-witness: one contract, whichever store remembers for it."""

import base64
import fcntl
import os
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from django.db import DatabaseError, connection, connections
from hypothesis import HealthCheck, given
from hypothesis import settings as sized
from hypothesis import strategies as st
from psycopg import errors

from ledger import merkle
from ledger.answer import Answer
from ledger.checkpoint import Checkpoint, parse_and_verify, sign
from ledger.cosignature import cosign, cosignatures, cosignatures_in
from ledger.hashing import EMPTY_ROOT
from ledger.models import Evidence
from ledger.note import (
    COSIGNATURE_TYPE,
    ED25519_TYPE,
    MAX_NOTE_BYTES,
    key_id,
    sign_note,
    signature_line,
)
from ledger.service import Connection
from ledger.signing import Ed25519Signer, is_signed_by
from ledger.tlog_proof import base64_lines
from ledger.verifier_key import VerifierKey
from ledger.witnessing.folder_store import FolderWitnessStore
from ledger.witnessing.table_store import TableWitnessStore
from ledger.witnessing.witness import MAX_BODY_BYTES, Seen, Witness, WitnessStore
from tests.conftest import TEMPLATE, clone_of, connected_to
from tests.ledger.rfc6962 import proof, tree_hash
from tests.ledger.values import flip, hash32, signer
from tests.ledger.world import World

NAME, NOW = "witness.example/w1", 1_790_000_000
WITNESS = signer(50)
KEY = VerifierKey(NAME, WITNESS.public_key, COSIGNATURE_TYPE)
LEAVES = tuple(hash32(("leaf", number)) for number in range(40))


@dataclass(frozen=True)
class Log:
    """A log in memory, which signs whatever it is asked to."""

    origin: str = "log.example/2026"
    signer: Ed25519Signer = field(default_factory=lambda: signer(40))
    leaves: tuple[bytes, ...] = LEAVES

    @property
    def key(self) -> VerifierKey:
        return VerifierKey(self.origin, self.signer.public_key)

    @property
    def origin_hash(self) -> str:
        return sha256(self.origin.encode()).hexdigest()

    def forked(self, at: int) -> "Log":
        """The same log, by its key, with another history from one entry on."""
        other = tuple(hash32(("other", leaf)) for leaf in self.leaves[at:])
        return replace(self, leaves=self.leaves[:at] + other)

    def checkpoint(self, size: int) -> Checkpoint:
        return Checkpoint(self.origin, size, tree_hash(self.leaves[:size]))

    def note(self, size: int) -> str:
        return sign(self.checkpoint(size), self.signer)

    def signed(self, text: str) -> str:
        """Any text at all under the log's own signature."""
        return sign_note(text, name=self.origin, signer=self.signer)

    def path(self, old: int, size: int) -> tuple[bytes, ...]:
        return proof(old, self.leaves[:size]) if 0 < old < size else ()

    def asks(self, old: int, size: int) -> bytes:
        """The submission of an honest log that has grown."""
        return asks(old, self.note(size), self.path(old, size))


def asks(old: object, note: str, path: tuple[bytes, ...] = ()) -> bytes:
    return written(f"old {old}", *base64_lines(path), note=note)


def written(*lines: str, note: str) -> bytes:
    return ("".join(f"{line}\n" for line in lines) + "\n" + note).encode()


def text_of(note: str) -> str:
    return note.rpartition("\n\n")[0] + "\n"


def lines_of(note: str) -> str:
    return note.rpartition("\n\n")[2]


@pytest.fixture(scope="module")
def shared_database(django_db_setup) -> Iterator[str]:
    """Every test has a log of its own here, and a witness knows many logs."""
    with clone_of(TEMPLATE) as name:
        yield name


@pytest.fixture
def table_store(shared_database, django_db_blocker) -> Iterator[TableWitnessStore]:
    with django_db_blocker.unblock(), connected_to(shared_database):
        yield TableWitnessStore(told_by=NAME)


@pytest.fixture
def folder_store(tmp_path) -> FolderWitnessStore:
    return FolderWitnessStore(tmp_path)


@pytest.fixture(params=["folder_store", "table_store"])
def store(request) -> WitnessStore:
    found: WitnessStore = request.getfixturevalue(request.param)
    return found


@pytest.fixture
def log() -> Log:
    return Log(f"log-{secrets.token_hex(6)}.example/2026")


def witness_of(store: WitnessStore, *logs: Log, now: int = NOW) -> Witness:
    known = {log.origin: log.key for log in logs}
    return Witness(
        name=NAME, signer=WITNESS, logs=known, store=store, clock=lambda: now + 0.9
    )


@pytest.fixture
def witness(store: WitnessStore, log: Log) -> Witness:
    return witness_of(store, log)


def evidence_in(store: WitnessStore, origin: str) -> list[tuple[str, str]]:
    if isinstance(store, FolderWitnessStore):
        return store.evidence(origin)
    rows = Evidence.objects.filter(origin=origin)
    return list(rows.values_list("first_note", "second_note"))


def held(witness: Witness, log: Log) -> Answer:
    return witness.latest(log.origin_hash)


def grown(witness: Witness, log: Log, *sizes: int) -> None:
    """Have a log cosigned at each of these sizes, the first from nothing."""
    for old, size in zip((0, *sizes), sizes, strict=False):
        assert witness.add_checkpoint(log.asks(old, size)).status == 200


# What is cosigned


def test_the_first_checkpoint_is_cosigned_at_any_size(store: WitnessStore, log: Log):
    for size in (1, 2, 7, 40):
        own = replace(log, origin=f"{log.origin}/{size}")
        assert store.last(own.origin) is None
        assert witness_of(store, own).add_checkpoint(own.asks(0, size)).status == 200
        seen = store.last(own.origin)
        assert seen is not None
        assert (seen.size, seen.root) == (size, own.checkpoint(size).root)


def test_a_log_that_shows_its_growth_is_cosigned_again(witness: Witness, log: Log):
    grown(witness, log, 1, 2, 3, 4, 7, 8, 21, 32, 40)


def test_the_same_checkpoint_again_is_cosigned_again_later(
    store: WitnessStore, log: Log
):
    grown(witness_of(store, log), log, 5)
    again = witness_of(store, log, now=NOW + 60).add_checkpoint(log.asks(5, 5))
    assert again.status == 200
    (found,) = cosignatures_in(again.body.decode(), text_of(log.note(5)), [KEY])
    assert found.time == NOW + 60
    seen = store.last(log.origin)
    assert seen is not None
    assert seen.note.endswith(found.line)


def test_an_empty_log_is_cosigned_then_grows(witness: Witness, log: Log):
    grown(witness, log, 0, 0, 0, 3, 4)


def test_the_cosignature_is_the_specification_s(witness: Witness, log: Log):
    answer = witness.add_checkpoint(log.asks(0, 5))
    line, text = answer.body.decode(), text_of(log.note(5))
    mark, name, encoded = line.split(" ")
    assert (mark, name) == ("—", NAME)
    assert line.count("\n") == 1
    assert line.endswith("\n")
    stamp = base64.b64decode(encoded)
    public = WITNESS.public_key.public_bytes_raw()
    assert stamp[:4] == sha256(NAME.encode() + b"\n\x04" + public).digest()[:4]
    assert int.from_bytes(stamp[4:12], "big") == NOW
    message = f"cosignature/v1\ntime {NOW}\n{text}".encode()
    assert is_signed_by(WITNESS.public_key, message=message, signature=stamp[12:])


def test_extension_lines_are_cosigned_with_the_rest(witness: Witness, log: Log):
    note = log.signed(text_of(log.note(5)) + "an extension\nanother ünusual one\n")
    answer = witness.add_checkpoint(asks(0, note))
    assert answer.status == 200
    (found,) = cosignatures_in(answer.body.decode(), text_of(note), [KEY])
    assert found.name == NAME


def test_signatures_of_unknown_keys_are_passed_over_and_not_handed_on(
    witness: Witness, log: Log
):
    note = log.note(5)
    text, own = text_of(note), lines_of(note)
    another_key = lines_of(sign_note(text, name=log.origin, signer=signer(77)))
    another_name = lines_of(sign_note(text, name="x.example", signer=log.signer))
    another_witness = cosign(text, name="w2.example", signer=signer(78), time=NOW)
    false = signature_line("y.example", b"abcd", b"no signature at all")
    unknown = [another_key, another_name, another_witness, false]
    for order in ([*unknown, own], [own, *unknown], [*unknown[:2], own, *unknown[2:]]):
        answer = witness.add_checkpoint(asks(0, text + "\n" + "".join(order)))
        assert answer.status in {200, 409}
    again = witness.add_checkpoint(asks(5, text + "\n" + "".join([*unknown, own])))
    assert again.status == 200
    assert held(witness, log).body.decode() == note + again.body.decode()


def test_what_is_served_carries_the_log_s_signature_and_the_cosignature_returned(
    witness: Witness, log: Log
):
    old = 0
    for size in (3, 3, 8):
        answer = witness.add_checkpoint(log.asks(old, size))
        served, old = held(witness, log), size
        assert served.status == 200
        note = served.body.decode()
        opened = parse_and_verify(
            note, origin=log.origin, public_key=log.signer.public_key
        )
        assert opened == log.checkpoint(size)
        assert [said.line for said in cosignatures(note, [KEY])] == [
            answer.body.decode()
        ]


def test_of_a_log_never_cosigned_nothing_is_served(store: WitnessStore, log: Log):
    other = replace(log, origin=f"{log.origin}/other")
    witness = witness_of(store, log, other)
    grown(witness, log, 5)
    assert held(witness, other).status == 404
    for wrong in ("", log.origin, log.origin_hash.upper(), log.origin_hash[:-1], "0"):
        assert witness.latest(wrong).status == 404


def test_two_logs_do_not_touch_each_other(store: WitnessStore, log: Log):
    other = replace(log, origin=f"{log.origin}/other").forked(0)
    witness = witness_of(store, log, other)
    grown(witness, log, 5)
    grown(witness, other, 3, 9)
    grown_to = [store.last(each.origin) for each in (log, other)]
    assert [seen.size for seen in grown_to if seen] == [5, 9]


def test_what_was_cosigned_is_there_after_a_restart(
    store: WitnessStore, log: Log, tmp_path
):
    grown(witness_of(store, log), log, 5)
    again: WitnessStore = (
        FolderWitnessStore(tmp_path)
        if isinstance(store, FolderWitnessStore)
        else TableWitnessStore(told_by=NAME)
    )
    connections.close_all()
    witness = witness_of(again, log)
    assert witness.add_checkpoint(log.asks(0, 9)).status == 409
    assert witness.add_checkpoint(log.asks(5, 9)).status == 200


# What is refused, with nothing changed: the log stands at 5 for the witness.

Body = Callable[[Log], bytes]


def false_lines(note: str) -> str:
    """The log's signature line with one bit of the signature wrong."""
    mark, name, encoded = lines_of(note).strip().split(" ")
    stamp = flip(base64.b64decode(encoded), 8 * 4 + 100)
    return f"{mark} {name} {base64.b64encode(stamp).decode()}\n"


def with_lines(log: Log, size: int, *lines: str) -> bytes:
    return asks(5, text_of(log.note(size)) + "\n" + "".join(lines), log.path(5, size))


def signed_by(log: Log, name: str, other: Ed25519Signer) -> bytes:
    note = sign_note(text_of(log.note(9)), name=name, signer=other)
    return asks(5, note, log.path(5, 9))


def mistyped(log: Log) -> bytes:
    """The log's own key, used as a witness's."""
    text = text_of(log.note(9))
    line = cosign(text, name=log.origin, signer=log.signer, time=NOW)
    return asks(5, f"{text}\n{line}", log.path(5, 9))


NOT_FOUND: dict[str, Body] = {
    "another log": lambda log: replace(log, origin="unknown.example").asks(5, 9),
    "a longer name": lambda log: replace(log, origin=f"{log.origin}/x").asks(5, 9),
    "a shorter name": lambda log: replace(log, origin=log.origin[:-1]).asks(5, 9),
    "another case": lambda log: replace(log, origin=log.origin.upper()).asks(5, 9),
    "another log's text under this log's signature": lambda log: asks(
        5, log.signed(text_of(replace(log, origin="unknown.example").note(9)))
    ),
}
FORBIDDEN: dict[str, Body] = {
    "another key of the same name": lambda log: signed_by(log, log.origin, signer(77)),
    "another name of the same key": lambda log: signed_by(log, "x.example", log.signer),
    "a signature of the kind of a witness": mistyped,
    "a false signature": lambda log: with_lines(log, 9, false_lines(log.note(9))),
    "a false one before a true one": lambda log: with_lines(
        log, 9, false_lines(log.note(9)), lines_of(log.note(9))
    ),
    "a false one after a true one": lambda log: with_lines(
        log, 9, lines_of(log.note(9)), false_lines(log.note(9))
    ),
    "a signature cut short": lambda log: with_lines(
        log, 9, signature_line(log.origin, log.key.key_id, b"short")
    ),
    "the signature of another size": lambda log: with_lines(
        log, 9, lines_of(log.note(8))
    ),
    "another root under the signature": lambda log: asks(
        5,
        text_of(log.forked(5).note(9)) + "\n" + lines_of(log.note(9)),
        log.forked(5).path(5, 9),
    ),
}


def signed_text(*lines: object) -> Body:
    """A text that the log has signed in place of a checkpoint."""
    return lambda log: asks(
        5, log.signed("".join(f"{line}\n" for line in (log.origin, *lines)))
    )


def first_line(line: str) -> Body:
    return lambda log: written(line, *base64_lines(log.path(5, 9)), note=log.note(9))


def a_proof_line(line: str) -> Body:
    return lambda log: written("old 5", line, note=log.note(9))


def replaced(old: bytes, new: bytes) -> Body:
    return lambda log: log.asks(5, 9).replace(old, new)


def with_signatures(count: int) -> Body:
    more = "— x.example YWJjZGFiY2Q=\n"
    return lambda log: with_lines(log, 9, lines_of(log.note(9)), more * (count - 1))


ROOT = base64.b64encode(hash32("root")).decode()
MALFORMED: dict[str, Body] = {
    "nothing": lambda log: b"",
    "an empty line": lambda log: b"\n",
    "two empty lines": lambda log: b"\n\n",
    "a checkpoint alone": lambda log: log.note(9).encode(),
    "no empty line": lambda log: b"old 5\n" + log.note(9).encode(),
    "no checkpoint": lambda log: b"old 5\n\n",
    "no old line": lambda log: b"\n" + log.note(9).encode(),
    "a proof before the old size": lambda log: written(
        *base64_lines(log.path(5, 9)), "old 5", note=log.note(9)
    ),
    "Windows' newlines": replaced(b"\n", b"\r\n"),
    "no newline at the end": lambda log: log.asks(5, 9)[:-1],
    "UTF-16": lambda log: log.asks(5, 9).decode().encode("utf-16"),
    "bad UTF-8 in the old line": replaced(b"old 5", b"old 5\xff"),
    "bad UTF-8 in the note": replaced("— ".encode(), b"\xe2\x80 "),
    "half a surrogate pair": replaced(b"\n\n", b"\n\n\xed\xa0\xbd"),
    **{
        f"first line {line!r}": first_line(line)
        for line in (
            "", "old", "old ", "5", "old5", "Old 5", "old  5", "old 5 ", " old 5",
            "old\t5", "old 05", "old 00", "old +5", "old -5", "old 5.0", "old 0x5",
            "old 5e0", "old ٥", "old 5\x00", "old five", "old 9223372036854775808",
            "old 18446744073709551616", "old " + "9" * 1000,
        )
    },
    **{
        f"proof line {line!r}": a_proof_line(line)
        for line in (
            "x", ROOT[:-1], ROOT + "=", ROOT + " ", " " + ROOT, ROOT[:-4],
            ROOT.replace("=", ""), ROOT[:-2] + "B=", "A" * 88, ROOT[:8] + "-" + ROOT[9:],
            "\u0661" * 44, base64.b64encode(bytes(31)).decode(), ROOT + ROOT,
        )
    },
    "64 proof lines": lambda log: asks(5, log.note(9), tuple([bytes(32)] * 64)),
    "65 signatures": with_signatures(65),
    "100 signatures": with_signatures(100),
    "a body too large": lambda log: log.asks(5, 9).ljust(MAX_BODY_BYTES + 1, b"\n"),
    "a note too large": lambda log: asks(
        5, log.signed(text_of(log.note(9)) + "x\n" * 33_000), log.path(5, 9)
    ),
    "a line under the note that is no signature": lambda log: with_lines(
        log, 9, lines_of(log.note(9)), "hello\n"
    ),
    "a size older than the old size": lambda log: asks(6, log.note(5)),
    "both beyond what is known": lambda log: asks(30, log.note(29), log.path(9, 29)),
    **{
        f"control character {character!r} in the note": replaced(
            b"\n9\n", f"\n9\n{character}\n".encode()
        )
        for character in "\x00\x01\t\r\x1f"
    },
    "no root": signed_text(9),
    "an empty line in the text": signed_text(9, ROOT, "", "extension"),
    "an empty line at its end": signed_text(9, ROOT, ""),
    **{
        f"size {size!r}": signed_text(size, ROOT)
        for size in (
            "", "09", "-1", "+9", "9 ", "9.0", "٩", "nine", 2**63, 2**64 + 9, 10**30
        )
    },
    **{
        f"root {root!r}": signed_text(9, root)
        for root in (
            "x", ROOT[:-1], ROOT[:-2] + "B=", ROOT + ROOT, ROOT + " ", "A" * 40,
            base64.b64encode(bytes(31)).decode(), base64.b64encode(bytes(33)).decode(),
        )
    },
}  # fmt: skip
NOT_SHOWN: dict[str, Body] = {
    "no proof": lambda log: asks(5, log.note(9)),
    **{
        f"a proof with a bit of hash {place} wrong": (
            lambda log, place=place: asks(  # type: ignore[misc] # bound here
                5, log.note(9), damaged(log.path(5, 9), place)
            )
        )
        for place in range(4)
    },
    "a proof cut at its end": lambda log: asks(5, log.note(9), log.path(5, 9)[:-1]),
    "a proof cut at its start": lambda log: asks(5, log.note(9), log.path(5, 9)[1:]),
    "a proof with one hash more": lambda log: asks(
        5, log.note(9), (*log.path(5, 9), hash32("more"))
    ),
    "63 hashes": lambda log: asks(5, log.note(9), tuple([bytes(32)] * 63)),
    "the proof of another size": lambda log: asks(5, log.note(9), log.path(4, 9)),
    "a proof for the same size": lambda log: asks(5, log.note(5), (hash32("more"),)),
    "another history": lambda log: log.forked(4).asks(5, 9),
    "another history with the true one's proof": lambda log: asks(
        5, log.forked(4).note(9), log.path(5, 9)
    ),
}


def damaged(path: tuple[bytes, ...], place: int) -> tuple[bytes, ...]:
    return (*path[:place], flip(path[place], 77), *path[place + 1 :])


REFUSED: dict[int, dict[str, Body]] = {
    404: NOT_FOUND,
    403: FORBIDDEN,
    400: MALFORMED,
    422: NOT_SHOWN,
}


@pytest.mark.parametrize("status", REFUSED)
def test_what_is_wrong_is_refused_with_nothing_changed(
    store: WitnessStore, log: Log, status: int
):
    witness = witness_of(store, log)
    grown(witness, log, 2, 5)
    before = store.last(log.origin), held(witness, log)
    answered = {
        name: witness.add_checkpoint(body(log))
        for name, body in REFUSED[status].items()
    }
    assert {name: answer.status for name, answer in answered.items()} == dict.fromkeys(
        REFUSED[status], status
    )
    assert all(b"\xe2\x80\x94" not in answer.body for answer in answered.values())
    assert (store.last(log.origin), held(witness, log)) == before
    assert evidence_in(store, log.origin) == []
    assert witness.add_checkpoint(log.asks(5, 9)).status == 200


@pytest.mark.parametrize("status", [404, 403, 400])
def test_to_a_witness_that_knows_nothing_yet_the_same_is_wrong(
    store: WitnessStore, log: Log, status: int
):
    witness = witness_of(store, log)
    for name, body in REFUSED[status].items():
        assert witness.add_checkpoint(body(log)).status == status, name
    assert store.last(log.origin) is None
    assert held(witness, log).status == 404
    grown(witness, log, 5)


def test_a_note_of_one_known_log_is_not_another_s(store: WitnessStore, log: Log):
    other = replace(log, origin=f"{log.origin}/other", signer=signer(41))
    witness = witness_of(store, log, other)
    text = text_of(log.note(5))
    for key in (other, replace(other, signer=log.signer)):
        note = sign_note(text, name=key.origin, signer=key.signer)
        assert witness.add_checkpoint(asks(0, note)).status == 403
    assert store.last(log.origin) is store.last(other.origin) is None


@pytest.mark.parametrize(
    ("old", "size"), [(0, 9), (1, 5), (4, 9), (6, 9), (9, 9), (40, 40), (0, 0), (0, 5)]
)
def test_from_another_size_than_its_own_a_witness_says_where_it_stands(
    store: WitnessStore, log: Log, old: int, size: int
):
    witness = witness_of(store, log)
    grown(witness, log, 2, 5)
    before = store.last(log.origin)
    answer = witness.add_checkpoint(log.asks(old, size))
    assert (answer.status, answer.content_type) == (409, "text/x.tlog.size")
    assert answer.body == b"5\n"
    assert store.last(log.origin) == before


def test_before_any_checkpoint_a_witness_stands_at_0(witness: Witness, log: Log):
    answer = witness.add_checkpoint(log.asks(3, 5))
    assert (answer.status, answer.body) == (409, b"0\n")
    assert answer.content_type == "text/x.tlog.size"


def test_where_it_stands_is_said_before_a_proof_is_looked_at(
    witness: Witness, log: Log
):
    grown(witness, log, 5)
    for body in (
        asks(3, log.note(9), (hash32("wrong"),)),
        asks(0, log.note(9), (hash32("wrong"),)),
        asks(0, log.signed(f"{log.origin}\n0\n{ROOT}\n")),
    ):
        answer = witness.add_checkpoint(body)
        assert (answer.status, answer.body) == (409, b"5\n")


def test_growth_from_nothing_needs_no_proof_and_takes_none(
    store: WitnessStore, log: Log
):
    witness = witness_of(store, log)
    for path in (log.path(2, 5), (hash32("any"),), tuple([bytes(32)] * 63)):
        assert witness.add_checkpoint(asks(0, log.note(5), path)).status == 422
    assert store.last(log.origin) is None
    grown(witness, log, 0)
    assert witness.add_checkpoint(asks(0, log.note(5), log.path(2, 5))).status == 422
    assert witness.add_checkpoint(asks(0, log.note(0), (EMPTY_ROOT,))).status == 422
    seen = store.last(log.origin)
    assert seen is not None
    assert seen.size == 0


def test_size_0_has_the_empty_root_alone(store: WitnessStore, log: Log):
    witness = witness_of(store, log)
    wrong = asks(0, log.signed(f"{log.origin}\n0\n{ROOT}\n"))
    assert witness.add_checkpoint(wrong).status == 422
    assert store.last(log.origin) is None
    grown(witness, log, 0)
    assert witness.add_checkpoint(wrong).status == 422
    grown(witness, log, 0, 5)


# Two histories


@pytest.mark.parametrize(("old", "status"), [(5, 422), (0, 409), (3, 409), (6, 400)])
def test_another_root_of_the_size_cosigned_is_refused_and_kept(
    store: WitnessStore, log: Log, old: int, status: int
):
    witness, other = witness_of(store, log), log.forked(3)
    grown(witness, log, 5)
    before = store.last(log.origin)
    for _ in range(3):
        answer = witness.add_checkpoint(asks(old, other.note(5), log.path(old, 5)))
        assert answer.status == status
    assert store.last(log.origin) == before
    ((first, second),) = evidence_in(store, log.origin)
    shown = {
        parse_and_verify(note, origin=log.origin, public_key=log.signer.public_key)
        for note in (first, second)
    }
    assert shown == {log.checkpoint(5), other.checkpoint(5)}


def test_what_the_log_has_not_signed_is_no_evidence(store: WitnessStore, log: Log):
    witness = witness_of(store, log)
    grown(witness, log, 5)
    forger = replace(log.forked(3), signer=signer(66))
    assert witness.add_checkpoint(forger.asks(5, 5)).status == 403
    assert evidence_in(store, log.origin) == []


def test_histories_that_part_at_two_sizes_are_two_pieces_of_evidence(
    store: WitnessStore, log: Log
):
    witness, other = witness_of(store, log), log.forked(3)
    for old, size in ((0, 5), (5, 9)):
        grown_to = witness.add_checkpoint(log.asks(old, size))
        assert grown_to.status == 200
        assert witness.add_checkpoint(other.asks(size, size)).status == 422
    assert len(evidence_in(store, log.origin)) == 2


def test_evidence_broken_off_in_the_middle_does_not_hide_the_rest(
    folder_store: FolderWitnessStore, log: Log, tmp_path
):
    """Killed after the pair was written, before it had its name."""
    witness, other = witness_of(folder_store, log), log.forked(3)
    for old, size in ((0, 5), (5, 9)):
        witness.add_checkpoint(log.asks(old, size))
        witness.add_checkpoint(other.asks(size, size))
    (pair,) = (tmp_path / "evidence").glob("*-9")
    pair.rename(pair.with_name(f"{pair.name}.new"))
    assert len(folder_store.evidence(log.origin)) == 1


# The store alone


def seen_at(log: Log, size: int) -> Seen:
    return Seen(size, log.checkpoint(size).root, log.note(size))


def test_a_store_advances_from_where_it_is_alone(store: WitnessStore, log: Log):
    assert not store.advance(log.origin, old_size=3, seen=seen_at(log, 5))
    assert store.last(log.origin) is None
    assert store.advance(log.origin, old_size=0, seen=seen_at(log, 5))
    for old in (0, 4, 6, 9):
        assert not store.advance(log.origin, old_size=old, seen=seen_at(log, 9))
    assert store.last(log.origin) == seen_at(log, 5)
    assert store.advance(log.origin, old_size=5, seen=seen_at(log, 5))
    assert store.advance(log.origin, old_size=5, seen=seen_at(log, 9))
    assert store.last(log.origin) == seen_at(log, 9)


def test_a_store_never_holds_two_roots_of_a_size(store: WitnessStore, log: Log):
    store.advance(log.origin, old_size=0, seen=seen_at(log, 5))
    other = seen_at(log.forked(2), 5)
    assert not store.advance(log.origin, old_size=5, seen=other)
    assert store.last(log.origin) == seen_at(log, 5)


def test_a_store_never_goes_back(store: WitnessStore, log: Log):
    store.advance(log.origin, old_size=0, seen=seen_at(log, 5))
    for smaller in (seen_at(log, 3), seen_at(log, 0)):
        assert not store.advance(log.origin, old_size=5, seen=smaller)
        assert store.last(log.origin) == seen_at(log, 5)


def test_the_largest_note_that_is_taken_does_not_stop_the_witness(
    store: WitnessStore, log: Log
):
    """With its cosignature it is longer than any note that is read."""
    witness, text = witness_of(store, log), text_of(log.note(5))
    room = MAX_NOTE_BYTES - len(log.note(5).encode()) - 1
    note = log.signed(text + "x" * room + "\n")
    assert len(note.encode()) == MAX_NOTE_BYTES
    answer = witness.add_checkpoint(asks(0, note))
    assert answer.status in {200, 400}
    old = 5 if answer.status == 200 else 0
    assert witness.add_checkpoint(log.asks(old, 9)).status == 200
    assert held(witness, log).status == 200


# Whatever a log sends, in whatever order


class Step(NamedTuple):
    """What a log, honest or not, submits next."""

    history: int  # which of three
    size: int
    old: int | None  # None: where the witness stands
    proof_of: int | None  # whose proof; None: no proof
    tampered: bool


HISTORIES = 3
sizes = st.integers(0, 12)
steps = st.builds(
    Step,
    history=st.integers(0, HISTORIES - 1),
    size=sizes,
    old=st.none() | sizes,
    proof_of=st.none() | st.integers(0, HISTORIES - 1),
    tampered=st.sampled_from([False, False, False, True]),
)
honest = st.builds(
    Step,
    history=st.just(0),
    size=sizes,
    old=st.none(),
    proof_of=st.just(0),
    tampered=st.just(False),
)


def submission(step: Step, histories: list[Log], stands: int) -> bytes:
    log = histories[step.history]
    old = stands if step.old is None else step.old
    path: tuple[bytes, ...] = ()
    if step.proof_of is not None:
        path = histories[step.proof_of].path(old, step.size)
    note = log.note(step.size)
    if step.tampered:
        note = text_of(note) + "\n" + false_lines(note)
    return asks(old, note, path)


@given(given_steps=st.lists(honest | steps, max_size=14))
@sized(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@pytest.mark.slow
def test_no_sequence_of_submissions_makes_a_witness_contradict_itself(
    store: WitnessStore, given_steps: list[Step]
):
    log = Log(f"log-{secrets.token_hex(6)}.example/2026", leaves=LEAVES[:12])
    histories = [log, log.forked(3), log.forked(7)]
    witness = witness_of(store, log)
    cosigned: tuple[bytes, ...] = ()  # the leaves of the tree cosigned last
    ever: list[tuple[bytes, ...]] = []
    for step in given_steps:
        tree = histories[step.history].leaves[: step.size]
        body = submission(step, histories, len(cosigned))
        answer = witness.add_checkpoint(body)
        if answer.status == 200:
            # Of two trees that a witness has cosigned, one begins with the other.
            assert tree[: len(cosigned)] == cosigned
            note = histories[step.history].note(step.size)
            (said,) = cosignatures_in(answer.body.decode(), text_of(note), [KEY])
            assert said.time == NOW
            cosigned = tree
            ever.append(tree)
        else:
            is_honest = step.old is None and step.proof_of == step.history
            grows = tree[: len(cosigned)] == cosigned
            assert not (is_honest and grows and not step.tampered)
        seen = store.last(log.origin)
        assert (
            (seen.size, seen.root) == (len(cosigned), tree_hash(cosigned))
            if (seen)
            else not ever
        )
    for first, second in evidence_in(store, log.origin):
        shown = [
            parse_and_verify(note, origin=log.origin, public_key=log.signer.public_key)
            for note in (first, second)
        ]
        assert shown[0].size == shown[1].size
        assert shown[0].root != shown[1].root


# At once

Waiting = Callable[[], int]


def at_once(work: Callable[[int], Any], count: int) -> list[Any]:
    """Do a piece of work in so many threads, all started together."""
    start = threading.Barrier(count)

    def started(number: int) -> Any:
        start.wait(timeout=20)
        try:
            return work(number)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(count) as pool:
        futures = [pool.submit(started, number) for number in range(count)]
        return [future.result(timeout=60) for future in futures]


@contextmanager
def writers_wait(store: WitnessStore, log: Log, folder: Path) -> Iterator[Waiting]:
    """Hold up whoever would write, once it has read and checked; says how many."""
    if isinstance(store, FolderWitnessStore):
        with (folder / "seen" / f"{log.origin_hash}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            inode = os.fstat(lock.fileno()).st_ino
            yield lambda: waiting_for_file(inode)
    else:
        world = World(str(connection.settings_dict["NAME"]))
        with (
            world.superuser() as observer,
            world.superuser() as superuser,
            superuser.transaction(),
        ):
            superuser.execute(
                "SELECT FROM ledger.witness_state WHERE origin = %s FOR UPDATE",
                [log.origin],
            )
            yield lambda: waiting_for_row(observer)


def waiting_for_file(inode: int) -> int:
    lines = Path("/proc/locks").read_text().splitlines()
    return sum("->" in line and f":{inode} " in line for line in lines)


def waiting_for_row(observer: Connection) -> int:
    (count,) = observer.execute(
        "SELECT count(*) FROM pg_stat_activity"
        " WHERE datname = current_database() AND wait_event_type = 'Lock'"
    ).fetchone()  # type: ignore[misc] # a count has a row
    return int(count)


@pytest.mark.timeout(60)
def test_of_submissions_that_were_checked_at_once_one_alone_is_cosigned(
    store: WitnessStore, log: Log, tmp_path
):
    """The race of the specification, its steps in the very order that rolls back."""
    if isinstance(store, FolderWitnessStore) and not Path("/proc/locks").exists():
        pytest.skip("Only Linux says who waits for a lock.")
    witness, sizes = witness_of(store, log), (12, 8, 9, 5)
    grown(witness, log, 5)

    def submit(size: int) -> Answer:
        try:
            return witness.add_checkpoint(log.asks(5, size))
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(sizes)) as pool:
        with writers_wait(store, log, tmp_path) as waiting:
            asked = {size: pool.submit(submit, size) for size in sizes}
            while waiting() < len(sizes):
                time.sleep(0.01)
        answers = {size: future.result() for size, future in asked.items()}
    if answers[5].status == 200:
        # The same size again moves nothing, so another may have come after it.
        del answers[5]
    winners = [size for size, answer in answers.items() if answer.status == 200]
    assert len(winners) <= 1
    stands = winners[0] if winners else 5
    seen = store.last(log.origin)
    assert seen is not None
    assert (seen.size, seen.root) == (stands, log.checkpoint(stands).root)
    lost = [answer for answer in answers.values() if answer.status != 200]
    assert {answer.status for answer in lost} == {409}
    assert {answer.body for answer in lost} == {f"{stands}\n".encode()}


@pytest.mark.slow
def test_submissions_at_once_never_roll_the_witness_back(store: WitnessStore, log: Log):
    witness = witness_of(store, log)

    def follow(number: int) -> list[tuple[int, int]]:
        """Have one size after another cosigned, as far as others leave room."""
        moves, old = [], 0
        for size in range(1 + number % 3, len(log.leaves) + 1, 1 + number % 4):
            while old <= size:
                answer = witness.add_checkpoint(log.asks(old, size))
                if answer.status == 409:
                    old = int(answer.body)
                    continue
                assert answer.status == 200
                seen = store.last(log.origin)
                assert seen is not None
                assert seen.size >= size
                if size > old:
                    moves.append((old, size))
                old = size
                break
        return moves

    moves = sorted(move for found in at_once(follow, 8) for move in found)
    # Each move starts where another ended: nobody has moved from an old state.
    ends = [new for _, new in moves]
    assert [old for old, _ in moves] == [0, *ends[:-1]]
    seen = store.last(log.origin)
    assert seen is not None
    assert (seen.size, seen.root) == (ends[-1], log.checkpoint(ends[-1]).root)


@pytest.mark.slow
def test_of_two_histories_shown_at_once_one_alone_is_cosigned(
    store: WitnessStore, log: Log
):
    witness = witness_of(store, log)
    histories = [log, log.forked(0)]
    first = at_once(
        lambda number: witness.add_checkpoint(histories[number % 2].asks(0, 5)), 8
    )
    winners = {
        number % 2 for number, answer in enumerate(first) if answer.status == 200
    }
    assert len(winners) == 1
    (winner,) = winners
    second = at_once(
        lambda number: (
            witness.add_checkpoint(histories[number % 2].asks(5, 6 + number)).status
        ),
        8,
    )
    assert second.count(200) == 1
    assert second.index(200) % 2 == winner
    seen = store.last(log.origin)
    assert seen is not None
    size = 6 + second.index(200)
    assert seen.root == histories[winner].checkpoint(size).root


@pytest.mark.slow
def test_a_reader_beside_the_writers_never_sees_the_witness_go_back(
    store: WitnessStore, log: Log
):
    witness, done = witness_of(store, log), threading.Event()

    def read_or_write(number: int) -> list[int]:
        if number:
            return read()
        grown(witness, log, *range(1, len(log.leaves) + 1))
        done.set()
        return []

    def read() -> list[int]:
        found = [0]
        while not done.is_set():
            note = held(witness, log)
            if note.status == 200:
                opened = parse_and_verify(
                    note.body.decode(),
                    origin=log.origin,
                    public_key=log.signer.public_key,
                )
                assert opened == log.checkpoint(opened.size)
                found.append(opened.size)
        return found

    for found in at_once(read_or_write, 4):
        assert found == sorted(found)


# The table, called directly

ADVANCE = "SELECT ledger.advance_witness(%s, %s, %s, %s, %s)"


def advanced(login: Any, log: Log, old: int, size: int, **given: Any) -> bool:
    root = given.get("root", log.checkpoint(size).root if size >= 0 else bytes(32))
    row = login.execute(ADVANCE, [log.origin, old, size, root, log.note(5)]).fetchone()
    return bool(row[0])


def state(world: World) -> list[Any]:
    return world.rows("SELECT origin, size, root FROM ledger.witness_state")


def test_the_function_itself_refuses_to_go_back(world: World, log: Log):
    root = log.checkpoint(5).root
    with world.connect("web") as web:
        assert advanced(web, log, 0, 5)
        assert not advanced(web, log, 0, 5)
        assert not advanced(web, log, 0, 9)
        assert not advanced(web, log, 4, 9)
        assert not advanced(web, log, 6, 9)
        assert not advanced(web, log, 5, 5, root=hash32("another"))
        assert not advanced(web, log, 5, 3)
        assert not advanced(web, log, 5, -1)
        for smaller in (3, 0, -1):
            with pytest.raises(errors.InsufficientPrivilege, match="never goes back"):
                advanced(web, log, 5, smaller, root=root)
        assert state(world) == [(log.origin, 5, root)]
        assert advanced(web, log, 5, 5)
        assert advanced(web, log, 5, 6)
    assert state(world) == [(log.origin, 6, log.checkpoint(6).root)]


def test_the_function_takes_nothing_that_is_no_checkpoint(world: World, log: Log):
    with world.connect("web") as web:
        for root in (b"", bytes(31), bytes(33), None):
            with pytest.raises(errors.IntegrityError):
                web.execute(ADVANCE, [log.origin, 0, 5, root, log.note(5)])
        with pytest.raises(errors.CheckViolation):
            web.execute(ADVANCE, [log.origin, 0, -5, bytes(32), log.note(5)])
    assert state(world) == []


CHANGES = [
    "UPDATE ledger.witness_state SET size = 9",
    "UPDATE ledger.witness_state SET note = ''",
    "DELETE FROM ledger.witness_state",
    "TRUNCATE ledger.witness_state",
    "INSERT INTO ledger.witness_state VALUES ('x', 0, sha256(''), '', now())",
]


@pytest.mark.parametrize("change", CHANGES)
def test_no_login_changes_the_table_but_through_the_function(
    world: World, log: Log, change: str
):
    with world.connect("web") as web, world.connect("sequencer") as sequencer:
        advanced(web, log, 0, 5)
        before = state(world)
        for login in (web, sequencer):
            with pytest.raises(errors.InsufficientPrivilege):
                login.execute(change)
        with pytest.raises(errors.InsufficientPrivilege):
            advanced(sequencer, log, 5, 9)
    assert state(world) == before


@pytest.mark.parametrize("session", ["origin", "replica"])
@pytest.mark.parametrize(
    "change",
    [
        "UPDATE ledger.witness_state SET size = 4",
        "UPDATE ledger.witness_state SET size = 0, root = sha256('')",
        "UPDATE ledger.witness_state SET root = sha256('another')",
        "UPDATE ledger.witness_state SET origin = 'another.example'",
        "DELETE FROM ledger.witness_state",
        "DELETE FROM ledger.witness_state WHERE false",
        "TRUNCATE ledger.witness_state",
        "UPDATE ledger.witness_evidence SET told_by = ''",
        "DELETE FROM ledger.witness_evidence",
        "TRUNCATE ledger.witness_evidence",
    ],
)
def test_even_a_superuser_meets_the_triggers(
    world: World, log: Log, change: str, session: str
):
    with world.connect("web") as web:
        advanced(web, log, 0, 5)
    before = state(world)
    with world.superuser() as superuser:
        superuser.execute(f"SET session_replication_role = {session}")
        with pytest.raises(errors.InsufficientPrivilege):
            superuser.execute(change)
    assert state(world) == before


def test_the_web_keeps_evidence_and_never_changes_it(world: World, log: Log):
    store = TableWitnessStore(told_by=NAME)
    first, second = seen_at(log, 5), seen_at(log.forked(2), 5)
    store.keep_evidence(log.origin, first, second)
    store.keep_evidence(log.origin, second, first)
    (kept,) = Evidence.objects.all()
    assert {kept.first_note, kept.second_note} == {first.note, second.note}
    assert (kept.first_size, kept.second_size, kept.told_by) == (5, 5, NAME)
    for change in (
        Evidence.objects.all().delete,
        lambda: Evidence.objects.update(id=2),
    ):
        with pytest.raises(DatabaseError):
            change()
    assert Evidence.objects.count() == 1


def test_a_database_that_is_away_is_not_taken_for_a_witness_without_memory(
    world: World, log: Log
):
    """Whoever forgets cosigns a second history; a failure must stay a failure."""
    witness = witness_of(TableWitnessStore(told_by=NAME), log)
    grown(witness, log, 5)
    world.attack("ALTER TABLE ledger.witness_state RENAME TO away")
    with pytest.raises(DatabaseError):
        witness.add_checkpoint(log.forked(0).asks(0, 5))


def test_a_folder_that_cannot_be_read_is_not_taken_for_one_without_memory(
    folder_store: FolderWitnessStore, log: Log, tmp_path
):
    witness = witness_of(folder_store, log)
    grown(witness, log, 5)
    seen = tmp_path / "seen" / log.origin_hash
    kept = seen.read_bytes()
    seen.unlink()
    seen.mkdir()
    with pytest.raises(OSError, match="directory"):
        witness.add_checkpoint(log.forked(0).asks(0, 5))
    seen.rmdir()
    seen.write_bytes(kept)
    assert witness.add_checkpoint(log.asks(5, 9)).status == 200


def test_the_tools_of_these_tests_agree_with_the_product(log: Log):
    for size in range(1, 20):
        for old in range(1, size + 1):
            assert log.path(old, size) == merkle.consistency_path(
                old, log.leaves[:size]
            )
    assert key_id(log.origin, log.signer.public_key, ED25519_TYPE) == log.key.key_id
