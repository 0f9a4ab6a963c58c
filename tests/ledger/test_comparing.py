"""Comparing what others have seen: two histories are found, nobody is accused falsely."""

import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as sized
from hypothesis import strategies as st

from ledger import merkle, tile_http, tiles
from ledger.answer import Answer, said
from ledger.checkpoint import parse_and_verify
from ledger.cosignature import cosign
from ledger.errors import LedgerError, NoteRejected, PartyUnreachable
from ledger.mirroring.remote_log import RemoteLog
from ledger.models import Evidence
from ledger.note import COSIGNATURE_TYPE, sign_note
from ledger.policy import Party, Policy, format_policy, k_of_n
from ledger.proofs import verify_consistency
from ledger.site import log_signer, origin
from ledger.tiles import TileId
from ledger.verifier_key import VerifierKey
from ledger.witnessing import rounds
from ledger.witnessing.client import WitnessClient
from ledger.witnessing.comparing import (
    Contradiction,
    View,
    contradictions,
    evidence_of,
    views_of,
)
from ledger.witnessing.folder import WitnessFolder
from ledger.witnessing.rounds import Rounds
from ledger.witnessing.table_store import TableWitnessStore
from ledger.witnessing.watching import watch_logs
from ledger.witnessing.witness import Seen
from ledger.witnessing.wsgi import WitnessApp
from tests.ledger.serving import served
from tests.ledger.test_witness import NAME, ROOT, Log, lines_of, text_of, witness_of
from tests.ledger.values import flip, hash32, signer
from tests.ledger.world import World

LEAVES = tuple(hash32(("leaf", number)) for number in range(600))
LOG = Log(leaves=LEAVES)


@dataclass
class Shown:
    """What a log shows to whoever comes by HTTP (ledger.tile_http.ServedLog)."""

    log: Log
    upto: int
    asked: int = 0  # how often for its checkpoint
    spoilt: Callable[[bytes], bytes] = field(default=lambda hashes: hashes)

    def size(self) -> int:
        return self.upto

    def checkpoint(self) -> str:
        return self.log.note(self.upto)

    def read(self, tiles: Sequence[TileId]) -> Mapping[TileId, bytes]:
        return {tile: self.spoilt(b"".join(self._hashes(tile))) for tile in tiles}

    def _hashes(self, tile: TileId) -> Iterator[bytes]:
        for place in range(tile.index * 256, tile.index * 256 + tile.width):
            start, end = (number << (8 * tile.level) for number in (place, place + 1))
            yield merkle.root(self.log.leaves[start:end])

    def entries(self, start: int, end: int) -> Sequence[bytes]:
        raise NotImplementedError

    def __call__(self, environ: dict[str, Any], start_response: Any) -> list[bytes]:
        answer = self._answer(environ["PATH_INFO"].split("/")[1:])
        start_response(f"{answer.status} So", [("Content-Type", answer.content_type)])
        return [answer.body]

    def _answer(self, path: list[str]) -> Answer:
        match path:
            case ["checkpoint"]:
                self.asked += 1
                return tile_http.checkpoint(self)
            case ["tile", "entries", *_]:
                return said(403, "Not for you.")
            case ["tile", level, *number]:
                return tile_http.tile(self, level, "/".join(number))
        return said(404, "Nothing.")


@pytest.fixture
def stage() -> Iterator[ExitStack]:
    """Servers that end with the test."""
    with ExitStack() as stack:
        yield stack


def verified(log: Log, *notes: str) -> None:
    """The notes are the log's own and cannot all be true."""
    seen = {
        parse_and_verify(note, origin=log.origin, public_key=log.signer.public_key)
        for note in notes
    }
    assert len(seen) == len(notes) == 2


# The comparison itself


@cache
def note_of(forked_at: int | None, size: int) -> str:
    log = LOG if forked_at is None else LOG.forked(forked_at)
    return log.note(size)


def compared(*views: View, upto: int, log: Log = LOG) -> list[Contradiction]:
    shown = Shown(log, upto)
    head = View("here", shown.checkpoint())
    return contradictions(LOG.key, views, head=head, read=shown.read)


@sized(deadline=None)
@given(sizes=st.lists(st.integers(0, 600), min_size=1, max_size=4))
def test_one_history_never_contradicts_itself(sizes: list[int]):
    views = [View("w", note_of(None, size)) for size in sizes]
    assert compared(*views, upto=max(sizes)) == []


@sized(deadline=None)
@given(
    at=st.integers(0, 599),
    parts=st.sets(st.integers(1, 600), min_size=1, max_size=3),
    more=st.integers(0, 600),
)
@pytest.mark.slow
def test_two_histories_contradict_each_other_as_soon_as_they_part(
    at: int, parts: set[int], more: int
):
    sizes = sorted(parts)
    upto = min(sizes[-1] + more, 600)
    views = [View(f"w{size}", LOG.forked(at).note(size)) for size in sizes]
    found = compared(*views, upto=upto)
    assert [each.told_by for each in found] == [f"w{s}" for s in sizes if s > at]
    for each in found:
        assert each.origin == LOG.origin
        assert each.second == Seen(upto, LOG.checkpoint(upto).root, LOG.note(upto))
        verified(LOG, each.first.note, each.second.note)


def test_what_lies_beyond_the_head_is_left_for_later():
    """A log may be slow, or be on its way back from a backup."""
    views = [View("w", LOG.note(9)), View("x", LOG.forked(0).note(6))]
    assert compared(*views, upto=5) == []
    assert [each.told_by for each in compared(*views, upto=9)] == ["x"]


UNSIGNED = {
    "another key": Log(signer=signer(66), leaves=LEAVES).forked(2).note(5),
    "another log": Log("other.example", leaves=LEAVES).forked(2).note(5),
    "another log of the same key": Log("x.example", LOG.signer).forked(2).note(5),
    "another log's text": sign_note(
        text_of(Log("other.example").note(5)), name=LOG.origin, signer=LOG.signer
    ),
    "a text that was changed": LOG.note(5).replace("\n5\n", "\n4\n"),
    "another text's signature": text_of(LOG.forked(2).note(5))
    + "\n"
    + lines_of(LOG.note(5)),
    "a witness alone": text_of(LOG.forked(2).note(5))
    + "\n"
    + cosign(LOG.note(5), name=NAME, signer=signer(50), time=1),
    "no checkpoint": sign_note(
        f"{LOG.origin}\nmany\n{ROOT}\n", name=LOG.origin, signer=LOG.signer
    ),
    "nothing": "",
    "no note": "hello",
}


@pytest.mark.parametrize("accusation", UNSIGNED)
def test_what_the_log_has_not_signed_is_passed_over(accusation: str):
    liar = View("liar", UNSIGNED[accusation])
    honest = View("w", LOG.forked(2).note(5))
    assert compared(liar, upto=9) == []
    assert [each.told_by for each in compared(liar, honest, liar, upto=9)] == ["w"]


def test_without_a_head_of_the_log_there_is_nothing_to_compare_with():
    views, read = [View("w", LOG.note(5))], Shown(LOG, 9).read
    for note in UNSIGNED.values():
        with pytest.raises(NoteRejected):
            contradictions(LOG.key, views, head=View("here", note), read=read)


def test_without_tiles_nothing_is_said():
    def gone(tiles: Sequence[TileId]) -> Mapping[TileId, bytes]:
        raise PartyUnreachable("It does not answer.")

    head = View("here", LOG.note(9))
    with pytest.raises(PartyUnreachable):
        contradictions(
            LOG.key, [View("w", LOG.forked(2).note(5))], head=head, read=gone
        )


SPOILT: dict[str, Callable[[bytes], bytes]] = {
    "a bit": lambda hashes: flip(hashes, 8 * 32 + 3),
    "the order": lambda hashes: hashes[::-1],
    "everything": lambda hashes: bytes(len(hashes)),
}


@pytest.mark.parametrize("spoilt", SPOILT)
@pytest.mark.parametrize(("old", "upto"), [(3, 9), (200, 300), (300, 599)])
def test_tiles_that_were_spoilt_on_the_way_accuse_nobody(
    old: int, upto: int, spoilt: str
):
    shown = Shown(LOG, upto, spoilt=SPOILT[spoilt])
    views, head = [View("w", LOG.note(old))], View("here", LOG.note(upto))
    try:
        found = contradictions(LOG.key, views, head=head, read=shown.read)
    except LedgerError:
        found = []
    assert found == []


def test_a_tile_that_is_cut_short_accuses_nobody(stage: ExitStack):
    shown = Shown(LOG, 9, spoilt=lambda hashes: hashes[:-1])
    url = stage.enter_context(served(shown))
    remote = RemoteLog(key=LOG.key, url=url)
    views, head = [View("w", LOG.note(3))], View("here", LOG.note(9))
    try:
        found = contradictions(LOG.key, views, head=head, read=remote.read)
    except LedgerError:
        found = []
    assert found == []


# What witnesses tell


@dataclass(frozen=True)
class Witness:
    """A witness in a folder, to whom a log shows what it likes."""

    folder: WitnessFolder
    url: str

    @property
    def party(self) -> Party:
        return Party(self.folder.name.replace("/", "-"), self.folder.key, self.url)

    def shown(self, log: Log, *sizes: int) -> None:
        """The log has it cosign these sizes, one after another."""
        client = WitnessClient(key=self.folder.key, url=self.url)
        for size in sizes:
            client.cosign(
                log.checkpoint(size),
                log.note(size),
                lambda old, size=size: log.path(old, size),  # type: ignore[misc]
            )

    @property
    def evidence(self) -> list[tuple[str, str]]:
        return self.folder.store.evidence(LOG.origin)


MakeWitness = Callable[..., Witness]


@pytest.fixture
def witness(stage: ExitStack, tmp_path: Path) -> MakeWitness:
    def made(number: int, log: Log = LOG) -> Witness:
        folder = WitnessFolder(tmp_path / f"w{number}", name=f"w{number}.example/w")
        policy = k_of_n((Party(log.origin, log.key),), (), 0)
        app = WitnessApp(folder, policy, seen=lambda: None)
        return Witness(folder, stage.enter_context(served(app)))

    return made


@contextmanager
def saying(
    body: bytes, status: int = 200, location: str = "/elsewhere"
) -> Iterator[str]:
    """A server that says the same to everything."""

    def app(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        start_response(f"{status} So", [("Location", location)])
        return [body]

    with served(app) as url:
        yield url


def liar(url: str) -> Party:
    key = VerifierKey("liar.example", signer(99).public_key, COSIGNATURE_TYPE)
    return Party("liar", key, url)


def test_what_witnesses_have_cosigned_last_is_told(witness: MakeWitness):
    one, two, three = (witness(number) for number in (1, 2, 3))
    one.shown(LOG, 3, 5)
    two.shown(LOG, 9)
    views = views_of(LOG.origin, [one.party, two.party, three.party])
    assert [view.told_by for view in views] == ["w1.example/w", "w2.example/w"]
    assert [view.note.split("\n")[1] for view in views] == ["5", "9"]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 200), (b"\xff\xfe", 200), (b"x" * 70_000, 200), (b"no", 404),
        (LOG.note(5).encode(), 500), (LOG.note(5).encode(), 302),
    ],
)  # fmt: skip
def test_a_witness_that_tells_nothing_sensible_is_passed_over(
    stage: ExitStack, witness: MakeWitness, body: bytes, status: int
):
    one = witness(1)
    one.shown(LOG, 5)
    url = stage.enter_context(saying(body, status))
    views = views_of(LOG.origin, [liar(url), one.party, liar("http://127.0.0.1:1")])
    assert [view.told_by for view in views] == [one.folder.name]


def test_the_evidence_that_a_witness_has_kept_is_taken_over(witness: MakeWitness):
    one = witness(1)
    one.shown(LOG, 5)
    assert evidence_of(LOG.key, one.party) == []
    with pytest.raises(LedgerError, match="422"):
        one.shown(LOG.forked(3), 5)
    (found,) = evidence_of(LOG.key, one.party)
    assert (found.origin, found.told_by) == (LOG.origin, one.folder.name)
    assert {found.first.size, found.second.size} == {5}
    verified(LOG, found.first.note, found.second.note)


PAIR = [LOG.note(5), LOG.forked(3).note(5)]
FALSE_PAIRS: dict[str, Any] = {
    "one note twice": [PAIR[0], PAIR[0]],
    "one history at two sizes": [LOG.note(5), LOG.note(9)],
    **{
        f"a note of the log beside one of {name}": [PAIR[0], note]
        for name, note in UNSIGNED.items()
    },
    "one note": PAIR[:1],
    "three notes": [*PAIR, PAIR[0]],
    "no notes": [],
    "a word": "no",
    "a number": 5,
    "null": None,
    "an object": {"first": PAIR[0], "second": PAIR[1]},
}


@pytest.mark.parametrize("name", FALSE_PAIRS)
def test_evidence_that_shows_nothing_is_passed_over(stage: ExitStack, name: str):
    body = json.dumps([FALSE_PAIRS[name]]).encode()
    url = stage.enter_context(saying(body))
    assert evidence_of(LOG.key, liar(url)) == []


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 200), (b"null", 200), (b"5", 200), (b'"word"', 200), (b"{}", 200),
        (b'{"ab": 1}', 200), (b"[", 200), (b"NaN", 200), (b"\xff\xfe", 200),
        (b"<html>", 200), (json.dumps([PAIR]).encode(), 404),
        (json.dumps([PAIR]).encode(), 500), (json.dumps([PAIR]).encode(), 302),
        (b" " * 4_000_001, 200),
    ],
)  # fmt: skip
def test_a_page_of_nonsense_is_no_evidence(stage: ExitStack, body: bytes, status: int):
    url = stage.enter_context(saying(body, status))
    assert evidence_of(LOG.key, liar(url)) == []
    assert evidence_of(LOG.key, liar("http://127.0.0.1:1")) == []


@pytest.mark.parametrize(
    "body",
    [
        b"[[1, 2]]",
        b"[[null, null]]",
        b"[[{}, []]]",
        b"[" * 100_000 + b"]" * 100_000,
    ],
    ids=["numbers", "nulls", "objects", "depth"],
)
def test_a_page_of_worse_nonsense_is_no_evidence_either(stage: ExitStack, body: bytes):
    url = stage.enter_context(saying(body))
    assert evidence_of(LOG.key, liar(url)) == []


# The site


@pytest.fixture
def policy(settings, tmp_path) -> Callable[..., Policy]:
    """Writes this site's policy."""
    settings.LEDGER_POLICY = tmp_path / "policy"

    def written(*logs: Party, witnesses: Sequence[Party] = ()) -> Policy:
        found = k_of_n(logs, tuple(witnesses), 0)
        settings.LEDGER_POLICY.write_text(format_policy(found))
        return found

    return written


WritePolicy = Callable[..., Policy]


def kept() -> list[Evidence]:
    return list(Evidence.objects.order_by("id"))


def cosigned_here(log: Log, *sizes: int) -> None:
    """This site itself has cosigned these sizes of a log."""
    own = witness_of(TableWitnessStore("here"), log)
    for old, size in zip((0, *sizes), sizes, strict=False):
        assert own.add_checkpoint(log.asks(old, size)).status == 200


@pytest.mark.parametrize(
    ("at_a", "at_b", "here"), [(5, 5, 5), (3, 9, 20), (300, 7, 400)]
)
def test_an_honest_log_is_never_accused(
    world: World, stage: ExitStack, witness, policy, at_a: int, at_b: int, here: int
):
    one, two = witness(1), witness(2)
    one.shown(LOG, at_a)
    two.shown(LOG, at_b)
    cosigned_here(LOG, min(at_a, at_b))
    url = stage.enter_context(served(Shown(LOG, here)))
    log = Party(LOG.origin, LOG.key, url)
    policy(log, witnesses=[one.party, two.party, liar("http://127.0.0.1:1")])
    assert watch_logs() == 0
    assert kept() == []


@pytest.mark.parametrize(
    ("of_a", "of_b", "shown"), [(5, 5, 5), (9, 5, 9), (5, 9, 20), (5, 300, 400)]
)
def test_two_histories_shown_to_two_witnesses_are_found_and_kept_once(
    world: World, stage: ExitStack, witness, policy, of_a: int, of_b: int, shown: int
):
    one, two, other = witness(1), witness(2), LOG.forked(3)
    one.shown(LOG, of_a)
    two.shown(other, of_b)
    url = stage.enter_context(served(Shown(LOG, shown)))
    log = Party(LOG.origin, LOG.key, url)
    policy(log, witnesses=[one.party, two.party])
    for _ in range(2):
        assert watch_logs() == 1
    (found,) = kept()
    assert (found.origin, found.told_by) == (LOG.origin, two.folder.name)
    assert (found.first_size, found.second_size) == (of_b, shown)
    verified(LOG, found.first_note, found.second_note)


def test_a_history_shown_to_this_site_alone_is_found(
    world: World, stage: ExitStack, witness, policy
):
    cosigned_here(LOG.forked(3), 5)
    url = stage.enter_context(served(Shown(LOG, 9)))
    policy(Party(LOG.origin, LOG.key, url))
    assert watch_logs() == 1
    (found,) = kept()
    assert (found.first_size, found.second_size) == (5, 9)
    verified(LOG, found.first_note, found.second_note)


def test_evidence_of_a_witness_counts_though_the_log_does_not_answer(
    world: World, witness, policy
):
    one = witness(1)
    one.shown(LOG, 5)
    with pytest.raises(LedgerError):
        one.shown(LOG.forked(3), 5)
    policy(Party(LOG.origin, LOG.key, "http://127.0.0.1:1"), witnesses=[one.party])
    for _ in range(2):
        assert watch_logs() == 1
    (found,) = kept()
    assert found.told_by == one.folder.name
    verified(LOG, found.first_note, found.second_note)


def test_two_witnesses_that_tell_the_same_are_one_piece_of_evidence(
    world: World, stage: ExitStack, witness, policy
):
    one, two = witness(1), witness(2)
    for each in (one, two):
        each.shown(LOG.forked(3), 5)
    url = stage.enter_context(served(Shown(LOG, 9)))
    policy(Party(LOG.origin, LOG.key, url), witnesses=[one.party, two.party])
    watch_logs()
    assert len(kept()) == 1


def test_one_log_s_lies_do_not_hide_another_s(
    world: World, stage: ExitStack, witness, policy
):
    other = Log("other.example", signer(41), LEAVES)
    one, two = witness(1), witness(2, other)
    one.shown(LOG.forked(3), 5)
    two.shown(other.forked(4), 7)
    logs = [
        Party(log.origin, log.key, stage.enter_context(served(Shown(log, 9))))
        for log in (LOG, other)
    ]
    down = Log("down.example", signer(42))
    nonsense = Log("nonsense.example", signer(43))
    policy(
        Party(down.origin, down.key, "http://127.0.0.1:1"),
        Party(nonsense.origin, nonsense.key, stage.enter_context(saying(b"hello"))),
        *logs,
        witnesses=[liar(stage.enter_context(saying(b"[1]"))), one.party, two.party],
    )
    assert watch_logs() == 2
    assert {found.origin for found in kept()} == {LOG.origin, other.origin}


def shown_own(world: World, witness: Witness, size: int) -> None:
    """This site's log has a witness cosign one of its checkpoints."""
    ((note,),) = world.rows(f"SELECT note FROM ledger.checkpoint WHERE size = {size}")
    client = WitnessClient(key=witness.folder.key, url=witness.url)
    public_key = log_signer().public_key
    checkpoint = parse_and_verify(note, origin=origin(), public_key=public_key)
    client.cosign(checkpoint, note, lambda old: ())


def own_log() -> Log:
    """Another history under this site's own name and key."""
    return Log(origin(), signer=log_signer())  # type: ignore[arg-type] # the same kind


def test_this_site_s_own_log_is_compared_too(world: World, witness, policy):
    fork = own_log()
    one, two = witness(1, fork), witness(2, fork)
    world.sequence(2, 3)
    shown_own(world, one, 2)
    policy(witnesses=[one.party, two.party])
    assert watch_logs() == 0
    two.shown(fork, 4)
    for _ in range(2):
        assert watch_logs() == 1
    (found,) = kept()
    assert (found.origin, found.told_by) == (origin(), two.folder.name)
    assert (found.first_size, found.second_size) == (4, 5)
    verified(fork, found.first_note, found.second_note)


def test_a_backup_that_is_behind_its_witnesses_has_shown_no_second_history(
    world: World, witness, policy
):
    one = witness(1, own_log())
    one.shown(own_log(), 9)
    world.sequence(5)
    policy(witnesses=[one.party])
    assert watch_logs() == 0


@pytest.mark.parametrize(
    "attack",
    [
        "DELETE FROM ledger.entry WHERE seq = 4",
        "UPDATE ledger.entry SET bytes = bytes || '\\x00' WHERE seq = 1",
    ],
)
def test_a_damaged_table_is_no_second_history(
    world: World, witness, policy, attack: str
):
    one = witness(1, own_log())
    world.sequence(3, 2)
    shown_own(world, one, 3)
    policy(witnesses=[one.party])
    world.attack(attack)
    watch_logs()
    assert kept() == []


def test_a_lying_witness_does_not_end_the_comparison(
    world: World, stage: ExitStack, witness, policy
):
    one = witness(1)
    one.shown(LOG.forked(3), 5)
    url = stage.enter_context(served(Shown(LOG, 9)))
    nonsense = liar(stage.enter_context(saying(b"[[1, 2]]")))
    policy(Party(LOG.origin, LOG.key, url), witnesses=[nonsense, one.party])
    assert watch_logs() == 1


# A witness of its own


@dataclass(frozen=True)
class Going:
    """The rounds of a witness, as its process runs them in a thread."""

    ended: Future[None]

    def round_again(self, shown: Shown, count: int) -> None:
        """Wait for so many: each asks for the checkpoint twice, to copy, to compare."""
        wanted = shown.asked + 2 * count + 2
        while shown.asked < wanted and not self.ended.done():
            time.sleep(0.01)


@contextmanager
def going_round(witness: Witness, policy: Policy, said: list[str]) -> Iterator[Going]:
    """Raises what ended the rounds, if anything did but the test."""
    news, stop = threading.Event(), threading.Event()
    rounds_of_it = Rounds(witness.folder, policy, say=said.append)
    with ThreadPoolExecutor(1) as pool:
        ended = pool.submit(rounds_of_it.run, news=news, stop=stop)
        try:
            yield Going(ended)
        finally:
            stop.set()
            news.set()
        ended.result(timeout=30)


@pytest.fixture(autouse=True)
def quick(monkeypatch) -> None:
    monkeypatch.setattr(rounds, "EVERY_S", 0.02)
    monkeypatch.setattr(rounds, "AT_LEAST_S", 0.0)


@pytest.mark.timeout(60)
@pytest.mark.parametrize(("seen", "told"), [(5, 5), (9, 4), (4, 9)])
def test_a_witness_finds_what_another_was_shown(
    stage: ExitStack, witness, seen: int, told: int
):
    one, two, other = witness(1), witness(2), LOG.forked(3)
    one.shown(LOG, seen)
    two.shown(other, told)
    shown, said = Shown(LOG, 9), list[str]()
    url = stage.enter_context(served(shown))
    policy = k_of_n((Party(LOG.origin, LOG.key, url),), (one.party, two.party), 0)
    with going_round(one, policy, said) as going:
        going.round_again(shown, 3)
    ((first, second),) = one.evidence
    verified(LOG, first, second)
    accusations = [sentence for sentence in said if "another history" in sentence]
    assert len(accusations) == 1
    assert two.folder.name in accusations[0]
    assert len([sentence for sentence in said if "copying" in sentence]) == 1


@pytest.mark.timeout(60)
def test_a_witness_finds_what_it_was_shown_itself(stage: ExitStack, witness):
    two, other = witness(2), LOG.forked(3)
    two.shown(other, 5)
    shown, said = Shown(LOG, 9), list[str]()
    url = stage.enter_context(served(shown))
    policy = k_of_n((Party(LOG.origin, LOG.key, url),), (two.party,), 0)
    with going_round(two, policy, said) as going:
        going.round_again(shown, 1)
    ((first, second),) = two.evidence
    verified(LOG, first, second)


@pytest.mark.timeout(60)
def test_a_witness_never_accuses_an_honest_log(stage: ExitStack, witness):
    one, two = witness(1), witness(2)
    one.shown(LOG, 3, 7)
    two.shown(LOG, 300)
    shown, said = Shown(LOG, 9), list[str]()
    url = stage.enter_context(served(shown))
    others = (one.party, two.party, liar(stage.enter_context(saying(b"hello"))))
    policy = k_of_n((Party(LOG.origin, LOG.key, url),), others, 0)
    with going_round(one, policy, said) as going:
        going.round_again(shown, 1)
        shown.upto = 300
        going.round_again(shown, 1)
        shown.upto = 599
        going.round_again(shown, 1)
    assert one.evidence == []
    assert all("copying" in sentence for sentence in said)


@pytest.mark.timeout(60)
def test_a_lying_witness_does_not_end_the_rounds(stage: ExitStack, witness):
    one, two = witness(1), witness(2)
    two.shown(LOG.forked(3), 5)
    shown, said = Shown(LOG, 9), list[str]()
    url = stage.enter_context(served(shown))
    nowhere = stage.enter_context(saying(b"", 302, location="http://["))
    policy = k_of_n(
        (Party(LOG.origin, LOG.key, url),), (liar(nowhere), one.party, two.party), 0
    )
    with going_round(one, policy, said) as going:
        going.round_again(shown, 1)
    assert len(one.evidence) == 1


@pytest.mark.timeout(60)
def test_trouble_is_said_once_until_it_has_passed(stage: ExitStack, witness):
    one, said = witness(1), list[str]()
    shown = Shown(LOG, 9)
    honest = shown.log
    url = stage.enter_context(served(shown))
    policy = k_of_n((Party(LOG.origin, LOG.key, url),), (one.party,), 0)

    def comparing() -> int:
        return len([s for s in said if s.startswith("Trouble comparing")])

    with going_round(one, policy, said) as going:
        going.round_again(shown, 2)
        assert comparing() == 0
        shown.log = Log(signer=signer(66))
        going.round_again(shown, 3)
        assert comparing() == 1
        shown.log = honest
        going.round_again(shown, 2)
        shown.log = Log(signer=signer(66))
        going.round_again(shown, 3)
        assert comparing() == 2
    assert one.evidence == []


@pytest.mark.timeout(60)
def test_each_accusation_is_said_once_however_many_tell_of_it(
    stage: ExitStack, witness
):
    one, two, three = (witness(number) for number in (1, 2, 3))
    for each in (two, three):
        each.shown(LOG.forked(3), 5)
    shown, said = Shown(LOG, 9), list[str]()
    url = stage.enter_context(served(shown))
    everyone = (one.party, two.party, three.party)
    policy = k_of_n((Party(LOG.origin, LOG.key, url),), everyone, 0)
    with going_round(one, policy, said) as going:
        going.round_again(shown, 3)
    accusations = [sentence for sentence in said if "another history" in sentence]
    assert len(accusations) == len(set(accusations))


def test_the_tools_of_these_tests_agree_with_the_product():
    for old, upto in product((1, 255, 256, 257), (257, 512, 600)):
        shown = Shown(LOG, upto)
        verify_consistency(
            old_size=old,
            new_size=upto,
            old_root=LOG.checkpoint(old).root,
            new_root=LOG.checkpoint(upto).root,
            path=tiles.consistency_path(old, upto, shown.read),
        )
