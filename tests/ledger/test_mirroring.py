"""Copies of a log: as far as they are believed they are true, whoever serves it."""

import errno
import gzip
import os
import shutil
import socket
import socketserver
import time
import tracemalloc
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import cache, cached_property
from hashlib import sha256
from itertools import count, pairwise
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest
from django.utils.module_loading import import_string

from ledger import fetching, tile_http
from ledger.answer import Answer
from ledger.checkpoint import Checkpoint, sign
from ledger.encoding import encode_entry, genesis_hash
from ledger.errors import (
    CheckpointRejected,
    LedgerError,
    NoteRejected,
    PartyUnreachable,
    RemoteDamaged,
)
from ledger.hashing import leaf_hash
from ledger.mirroring.access import is_authorised
from ledger.mirroring.folder_mirror import FolderMirror
from ledger.mirroring.remote_log import Pass, RemoteLog
from ledger.note import sign_note
from ledger.policy import Party, k_of_n
from ledger.signing import Ed25519Signer
from ledger.site import log_signer, origin
from ledger.tiles import TileId
from ledger.verifier_key import VerifierKey
from ledger.witnessing.folder import WitnessFolder
from ledger.witnessing.wsgi import WitnessApp
from tests.ledger import rfc6962
from tests.ledger.serving import served
from tests.ledger.test_tile_http import bodies_in, entries_in, hashes_in, tiles_of
from tests.ledger.values import ORIGIN, Author, flip, hash32, signer
from tests.ledger.world import World

LOG, MIRROR, STRANGER = signer(1), signer(2), signer(3)
LOG_KEY = VerifierKey(ORIGIN, LOG.public_key)
ADMISSION = Pass("hospital.example/mirror", MIRROR)
MIRROR_KEY = VerifierKey(ADMISSION.name, MIRROR.public_key)

Bodies = tuple[bytes, ...]
Lie = Callable[[bytes], bytes]
Copied = Callable[[Path, int], FolderMirror]


# Logs that a test holds in its hand


LONGEST = 800


@cache
def all_history(forked_at: int | None) -> Bodies:
    bodies: list[bytes] = []
    previous = genesis_hash(ORIGIN)
    author = Author()
    for seq in range(LONGEST):
        is_other = forked_at is not None and seq >= forked_at
        more = {"statement_id": hash32(("other", seq))[:16]} if is_other else {}
        bodies.append(encode_entry(author.entry(seq, previous, **more)))
        previous = leaf_hash(bodies[-1])
    return tuple(bodies)


def history(size: int, forked_at: int | None = None) -> Bodies:
    """A log's entries; from a fork on, the same log's with other statements."""
    return all_history(forked_at)[:size]


@dataclass(frozen=True)
class Log:
    """A log's entries under a checkpoint (ledger.tile_http.ServedLog)."""

    bodies: Bodies
    note: str

    def size(self) -> int:
        return len(self.bodies)

    def checkpoint(self) -> str:
        return self.note

    @cached_property
    def leaves(self) -> list[bytes]:
        return [leaf_hash(body) for body in self.bodies]

    def read(self, tiles: Sequence[TileId]) -> dict[TileId, bytes]:
        return {tile: hashes_in(tile, self.leaves) for tile in tiles}

    def entries(self, start: int, end: int) -> Sequence[bytes]:
        return self.bodies[start:end]


def signed(bodies: Bodies, by: Ed25519Signer = LOG, name: str = ORIGIN) -> Log:
    """A log whose checkpoint covers these entries."""
    root = rfc6962.tree_hash([leaf_hash(body) for body in bodies])
    return Log(bodies, sign(Checkpoint(name, len(bodies), root), by))


@cache
def log_of(size: int, forked_at: int | None = None) -> Log:
    return signed(history(size, forked_at))


class LogApp:
    """Serves a log as C2SP tlog-tiles has it, to a mirror that it knows."""

    def __init__(self, log: Log) -> None:
        self.log = log

    def __call__(self, environ: Any, start_response: Any) -> list[bytes]:
        asking = environ.get("HTTP_AUTHORIZATION", "")
        answer = self.answer(environ["PATH_INFO"].lstrip("/"), asking)
        headers = {"Content-Type": answer.content_type, **answer.headers}
        start_response(f"{answer.status} Said", list(headers.items()))
        return [answer.body]

    def answer(self, path: str, asking: str) -> Answer:
        match path.split("/"):
            case ["checkpoint"]:
                return tile_http.checkpoint(self.log)
            case ["tile", "entries", *number]:
                return tile_http.entries(
                    self.log,
                    "/".join(number),
                    may=lambda: is_authorised(
                        asking,
                        origin=ORIGIN,
                        path=path,
                        time=int(time.time()),
                        keys=[MIRROR_KEY],
                    ),
                )
            case ["tile", level, *number]:
                return tile_http.tile(self.log, level, "/".join(number))
        raise AssertionError(f"{path} was asked for")


class Meddler:
    """Stands before an application: remembers what was asked, changes what is said."""

    def __init__(self, application: Any) -> None:
        self.application = application
        self.tell_the_truth()

    def tell_the_truth(self) -> None:
        self.asked: list[str] = []
        self.lies: dict[str, Lie] = {}  # by the end of the path
        self.breaks_at: int | None = None  # the number of a request, from 0

    def __call__(self, environ: Any, start_response: Any) -> list[bytes]:
        said: list[Any] = []
        body = b"".join(self.application(environ, lambda *head: said.append(head)))
        ((status, headers),) = said
        path, number = environ["PATH_INFO"], len(self.asked)
        self.asked.append(path)
        for end, lie in self.lies.items():
            body = lie(body) if path.endswith(end) else body
        kept = [h for h in headers if h[0].lower() != "content-length"]
        start_response(status, [*kept, ("Content-Length", str(len(body)))])
        return [body[: len(body) // 2] if number == self.breaks_at else body]


class Door(Meddler):
    """One server for all tests of this page, with another log behind it each time."""

    url: str

    def show(self, log: Log) -> None:
        self.tell_the_truth()
        self.application = LogApp(log)

    def remote(self, **given: Any) -> RemoteLog:
        return remote_at(self.url, **given)


def remote_at(url: str, **given: Any) -> RemoteLog:
    return RemoteLog(**{"key": LOG_KEY, "url": url, "admission": ADMISSION, **given})


@pytest.fixture(scope="module")
def open_door() -> Iterator[Door]:
    door = Door(LogApp(log_of(0)))
    with served(door) as door.url:
        yield door


@pytest.fixture
def door(open_door: Door) -> Door:
    open_door.tell_the_truth()
    return open_door


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where a copy lives; not there yet."""
    return tmp_path / "mirror" / "copy"


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Copies that were made once, by their size."""
    return tmp_path_factory.mktemp("copies")


@pytest.fixture
def copied(door: Door, shelf: Path) -> Copied:
    """Makes a copy of the log as it was at a size; none where the size is 0."""

    def copy(folder: Path, size: int) -> FolderMirror:
        if size:
            if not (shelf / str(size)).exists():
                update(door, shelf / str(size), log_of(size))
            shutil.copytree(shelf / str(size), folder)
        return FolderMirror(folder)

    return copy


def update(door: Door, folder: Path, log: Log) -> int:
    """Let a mirror that was just started copy what a log has signed."""
    door.show(log)
    return FolderMirror(folder).update(door.remote())


def assert_holds(folder: Path, log: Log) -> None:
    """All that a mirror believes of its copy is the log's, byte for byte."""
    mirror = FolderMirror(folder)
    if not log.bodies:
        assert (mirror.size(), mirror.checkpoint()) == (0, None)
        return
    assert mirror.checkpoint() == log.note
    assert mirror.size() == len(log.bodies)
    tiles = tiles_of(mirror.size())
    assert mirror.read(tiles) == log.read(tiles)
    for tile in tiles:
        if tile.level == 0:
            start = tile.index * 256
            end = start + tile.width
            assert list(mirror.entries(start, end)) == list(log.bodies[start:end])


def files_in(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


# A copy that grows

GROWTHS = [
    (200, 256, 300, 513, 700),
    (1, 2, 255, 256, 257),
    (256, 512, 768),
    (700,),
    (255, 767),
]


@pytest.mark.parametrize("sizes", GROWTHS, ids=str)
@pytest.mark.parametrize("is_restarted", [True, False], ids=["restarted", "running"])
def test_a_copy_grows_with_its_log(door: Door, folder: Path, sizes, is_restarted):
    mirror = FolderMirror(folder)
    for old, new in pairwise((0, *sizes)):
        door.show(log_of(new))
        if is_restarted:
            mirror = FolderMirror(folder)
        assert mirror.update(door.remote()) == new - old
        assert_holds(folder, log_of(new))


def test_what_is_copied_is_not_fetched_again(door: Door, copied: Copied, folder: Path):
    copied(folder, 513)
    update(door, folder, log_of(700))
    assert door.asked == ["/checkpoint", "/tile/0/002.p/188", "/tile/entries/002.p/188"]


@pytest.mark.parametrize("size", [1, 256, 300])
def test_where_nothing_is_new_nothing_is_done(
    door: Door, copied: Copied, folder: Path, size
):
    copied(folder, size)
    before = files_in(folder)
    assert update(door, folder, log_of(size)) == 0
    assert door.asked == ["/checkpoint"]
    assert files_in(folder) == before


def test_a_copy_lies_as_c2sp_lays_out_a_log(door: Door, copied: Copied, folder: Path):
    copied(folder, 513)
    found = {name for name in files_in(folder) if not name.endswith(".lock")}
    assert found == {
        "checkpoint",
        "tail/002.p/1",
        "tile/0/000",
        "tile/0/001",
        "tile/entries/000",
        "tile/entries/001",
    }
    assert (folder / "tile/0/001").read_bytes() == log_of(513).read([TileId(0, 1)])[
        TileId(0, 1)
    ]
    bundle = (folder / "tile/entries/001").read_bytes()
    assert tuple(entries_in(bundle)) == history(513)[256:512]


def test_a_mirror_that_the_log_does_not_know_believes_nothing(door: Door, folder: Path):
    door.show(log_of(300))
    for admission in (None, Pass(ADMISSION.name, STRANGER)):
        with pytest.raises(PartyUnreachable, match="answers 403: Entries are served"):
            FolderMirror(folder).update(door.remote(admission=admission))
    assert_holds(folder, log_of(0))


# A copy of the site's own log, which is served on


@pytest.fixture
def site_url(world: World, static_files, settings, tmp_path: Path) -> Iterator[str]:
    """The portal, which knows the mirror."""
    settings.LEDGER_MIRRORS = tmp_path / "mirrors"
    settings.LEDGER_MIRRORS.write_text(f"{MIRROR_KEY}\n")
    with served(import_string("portal.wsgi.application")) as url:
        yield f"{url}/ledger"


@pytest.mark.slow
def test_the_site_is_copied_and_copied_from_its_copy(
    world: World, site_url: str, settings, tmp_path: Path
):
    key = VerifierKey(origin(), log_signer().public_key)
    witness = WitnessFolder(tmp_path / "witness", name="hospital.example/witness")
    settings.LEDGER_MIRRORS.write_text(f"{witness.mirror_key}\n")
    policy = k_of_n((Party(key.name, key, site_url),), (), 0)
    first = RemoteLog(key=key, url=site_url, admission=witness.admission)
    app = WitnessApp(witness, policy, seen=lambda: None)
    own = Pass(key.name, log_signer())
    again, size = tmp_path / "again", 0
    with served(app) as url:
        mirrored = f"{url}/mirror/{sha256(origin().encode()).hexdigest()}"
        second = RemoteLog(key=key, url=mirrored, admission=own)
        for batch in (200, 56, 44, 213):
            world.sequence(batch)
            size += batch
            # Entered, and not signed for: no mirror may see it.
            world.queue(1)
            size += 1
            assert witness.mirror(key.name).update(first) == batch + (size > 201)
            assert FolderMirror(again).update(second) == batch + (size > 201)
            log = Log(tuple(bodies_in(world)), first.head()[1])
            assert_holds(again, log)
        strange = RemoteLog(key=key, url=mirrored, admission=witness.admission)
        with pytest.raises(PartyUnreachable, match="403"):
            FolderMirror(tmp_path / "strange").update(strange)


# A copy that is broken off

BROKEN = [(0, 300, 300), (200, 256, 256), (200, 513, 700), (256, 300, 513)]


@pytest.mark.slow
@pytest.mark.parametrize(("old", "new", "later"), BROKEN)
def test_broken_off_at_any_answer_a_copy_is_not_believed_and_goes_on(
    door: Door, copied: Copied, tmp_path: Path, old, new, later
):
    for number in count():
        folder = tmp_path / str(number)
        copied(folder, old)
        door.show(log_of(new))
        door.breaks_at = number
        try:
            FolderMirror(folder).update(door.remote())
        except PartyUnreachable:
            assert len(door.asked) == number + 1
            assert_holds(folder, log_of(old))
            assert update(door, folder, log_of(later)) == later - old
            assert_holds(folder, log_of(later))
        else:
            break
    tiles = -(-new // 256) - old // 256
    assert number == 1 + 2 * tiles


class Disk:
    """Is full for good before the n-th step that would change it; tears that file."""

    def __init__(self, patch: pytest.MonkeyPatch, steps: int) -> None:
        self._left = steps
        self.was_full = False
        for owner, name in [
            (Path, "write_bytes"),
            (Path, "replace"),
            (Path, "mkdir"),
            (os, "fsync"),
        ]:
            patch.setattr(owner, name, self._counted(getattr(owner, name)))

    def _counted(self, step: Callable[..., Any]) -> Callable[..., Any]:
        def counted(*given: Any, **more: Any) -> Any:
            if self._left <= 0:
                self.was_full = True
                if step.__name__ == "write_bytes":
                    path, data = given
                    step(path, data[: len(data) // 2])
                raise OSError(errno.ENOSPC, "No space left on device")
            self._left -= 1
            return step(*given, **more)

        return counted


@pytest.mark.slow
@pytest.mark.parametrize(("old", "new", "later"), BROKEN)
@pytest.mark.parametrize("is_restarted", [True, False], ids=["restarted", "running"])
def test_broken_off_at_any_write_a_copy_is_not_believed_and_goes_on(
    door: Door, copied: Copied, tmp_path: Path, old, new, later, is_restarted
):
    for steps in count():
        folder = tmp_path / str(steps)
        mirror = copied(folder, old)
        door.show(log_of(new))
        with pytest.MonkeyPatch.context() as patch:
            disk = Disk(patch, steps)
            with suppress(OSError):
                mirror.update(door.remote())
        if not disk.was_full:
            break
        # The rename of the checkpoint is the last step but one: then it is believed.
        held = FolderMirror(folder).size()
        assert held in {old, new}
        assert_holds(folder, log_of(held))
        door.show(log_of(later))
        if is_restarted:
            mirror = FolderMirror(folder)
        assert mirror.update(door.remote()) == later - held
        assert_holds(folder, log_of(later))
    assert steps > 5


@pytest.mark.parametrize(
    "number",
    [
        4,
        pytest.param(5),
    ],
)
def test_what_a_broken_off_copy_left_behind_is_not_taken_for_the_log_s(
    door: Door, copied: Copied, folder: Path, number
):
    """A log shows one future, breaks off, then shows another that is shorter."""
    copied(folder, 200)
    door.show(log_of(300))
    door.breaks_at = number - 1
    with pytest.raises(PartyUnreachable):
        FolderMirror(folder).update(door.remote())
    other = log_of(230, forked_at=200)
    with suppress(RemoteDamaged):
        update(door, folder, other)
    assert_holds(folder, other if FolderMirror(folder).size() == 230 else log_of(200))


# Liars

HELD, GROWN = 300, 700  # what is copied, what the log then shows


def in_bundle(change: Callable[[list[bytes]], list[bytes]]) -> Lie:
    def lie(bundle: bytes) -> bytes:
        entries = change(entries_in(bundle))
        return b"".join(len(e).to_bytes(2, "big") + e for e in entries)

    return lie


def swapped(first: int, second: int) -> Callable[[list[bytes]], list[bytes]]:
    def swap(entries: list[bytes]) -> list[bytes]:
        entries[first], entries[second] = entries[second], entries[first]
        return entries

    return swap


def with_entry(place: int, change: Callable[[bytes], bytes]) -> Lie:
    def lie(entries: list[bytes]) -> list[bytes]:
        entries[place] = change(entries[place])
        return entries

    return in_bundle(lie)


TILE, BUNDLE, TAIL = "tile/0/001", "tile/entries/001", "tile/entries/002.p/188"
LIES: dict[str, tuple[str, Lie, type[LedgerError], str]] = {
    "tile without its last hash": (TILE, lambda b: b[:-32], RemoteDamaged, "cut short"),
    "tile without its last byte": (TILE, lambda b: b[:-1], RemoteDamaged, "cut short"),
    "no hashes": (TILE, lambda b: b"", RemoteDamaged, "cut short"),
    "tile with a hash too much": (
        TILE,
        lambda b: b + bytes(32),
        PartyUnreachable,
        "more than was asked",
    ),
    "hash changed": (TILE, lambda b: flip(b, 100 * 256), RemoteDamaged, "do not lead"),
    "last hash changed": (
        "tile/0/002.p/188",
        lambda b: flip(b, 188 * 256 - 1),
        RemoteDamaged,
        "do not lead from 300 entries to the 700",
    ),
    "hashes swapped": (
        TILE,
        lambda b: b[:-64] + b[-32:] + b[-64:-32],
        RemoteDamaged,
        "do not lead",
    ),
    "bundle without its last byte": (
        BUNDLE,
        lambda b: b[:-1],
        RemoteDamaged,
        "cut short",
    ),
    "bundle with a byte too much": (
        BUNDLE,
        lambda b: b + b"\x00",
        RemoteDamaged,
        "cut short",
    ),
    "bundle without its last entry": (
        BUNDLE,
        in_bundle(lambda e: e[:-1]),
        RemoteDamaged,
        "cut short",
    ),
    "bundle without its first entry": (
        BUNDLE,
        in_bundle(lambda e: e[1:]),
        RemoteDamaged,
        "cut short",
    ),
    "bundle with an entry too much": (
        BUNDLE,
        in_bundle(lambda e: [*e, e[-1]]),
        RemoteDamaged,
        "cut short",
    ),
    "no entries": (BUNDLE, lambda b: b"", RemoteDamaged, "cut short"),
    "entry changed": (
        BUNDLE,
        with_entry(144, lambda e: flip(e, 800)),
        RemoteDamaged,
        "Entries 300 to 511 served are not the ones hashed",
    ),
    "entry emptied": (
        BUNDLE,
        with_entry(144, lambda e: b""),
        RemoteDamaged,
        "Entries 300 to 511 served are not the ones hashed",
    ),
    "entry lengthened": (
        BUNDLE,
        with_entry(144, lambda e: e + b"\x00"),
        RemoteDamaged,
        "Entries 300 to 511 served are not the ones hashed",
    ),
    "entries swapped": (
        BUNDLE,
        in_bundle(swapped(144, 145)),
        RemoteDamaged,
        "Entries 300 to 511 served are not the ones hashed",
    ),
    "entry twice": (
        BUNDLE,
        in_bundle(lambda e: e[:-1] + e[-2:-1]),
        RemoteDamaged,
        "Entries 300 to 511 served are not the ones hashed",
    ),
    "other bundle": (
        BUNDLE,
        in_bundle(lambda e: list(history(256))),
        RemoteDamaged,
        "Entries 300 to 511 served are not the ones hashed",
    ),
    "very last entry changed": (
        TAIL,
        with_entry(-1, lambda e: flip(e, 7)),
        RemoteDamaged,
        "Entries 512 to 699 served are not the ones hashed",
    ),
}


@pytest.mark.parametrize("lie", LIES)
@pytest.mark.parametrize("held", [0, HELD])
def test_a_lie_is_named_and_the_copy_stays(
    door: Door, copied: Copied, folder: Path, lie, held
):
    end, change, error, sentence = LIES[lie]
    copied(folder, held)
    door.show(log_of(GROWN))
    door.lies[end] = change
    with pytest.raises(error) as told:
        FolderMirror(folder).update(door.remote())
    if held == HELD:
        assert sentence in str(told.value)
    assert_holds(folder, log_of(held))
    assert update(door, folder, log_of(GROWN)) == GROWN - held
    assert_holds(folder, log_of(GROWN))


def signed_text(text: str, name: str = ORIGIN) -> bytes:
    return sign_note(text, name=name, signer=LOG).encode()


TRUE_NOTE = log_of(GROWN).note
OTHER = "other.example/ledger/2026"
HEADS: dict[str, tuple[bytes, type[LedgerError], str]] = {
    "another log's": (
        signed(history(GROWN), by=STRANGER, name=OTHER).note.encode(),
        NoteRejected,
        "not signed by",
    ),
    "another log's by the same key": (
        signed(history(GROWN), name=OTHER).note.encode(),
        NoteRejected,
        "not signed by",
    ),
    "another log's under this log's name": (
        signed_text(f"{OTHER}\n{GROWN}\n{TRUE_NOTE.splitlines()[2]}\n"),
        CheckpointRejected,
        f"is of {OTHER}",
    ),
    "by a stranger": (
        signed(history(GROWN), by=STRANGER).note.encode(),
        NoteRejected,
        "not signed by",
    ),
    "of another size": (
        TRUE_NOTE.replace(f"\n{GROWN}\n", f"\n{GROWN + 1}\n").encode(),
        NoteRejected,
        "is false",
    ),
    "without signatures": (
        TRUE_NOTE.partition("\n\n")[0].encode() + b"\n",
        NoteRejected,
        "no signatures",
    ),
    "no checkpoint": (signed_text("hello\n"), CheckpointRejected, "three lines"),
    "size in other digits": (
        signed_text(f"{ORIGIN}\n0700\n{TRUE_NOTE.splitlines()[2]}\n"),
        CheckpointRejected,
        "plain decimal",
    ),
    "no text": (b"\xff" + TRUE_NOTE.encode(), NoteRejected, "no text"),
    "nothing": (b"", NoteRejected, "no signatures"),
    "a page": (b"<!doctype html><p>Welcome</p>", NoteRejected, "no signatures"),
    "too long": (b"x" * 70_000, PartyUnreachable, "more than was asked"),
    "another history of the same size": (
        log_of(HELD, forked_at=250).note.encode(),
        RemoteDamaged,
        "do not lead from 300 entries to the 300",
    ),
}


@pytest.mark.parametrize("head", HEADS)
def test_a_head_that_is_not_the_log_s_changes_nothing(
    door: Door, copied: Copied, folder: Path, head
):
    said, error, sentence = HEADS[head]
    copied(folder, HELD)
    before = files_in(folder)
    door.show(log_of(GROWN))
    door.lies["checkpoint"] = lambda body: said
    with pytest.raises(error, match=sentence):
        FolderMirror(folder).update(door.remote())
    assert files_in(folder) == before
    assert update(door, folder, log_of(GROWN)) == GROWN - HELD


@pytest.mark.parametrize("forked_at", [0, 250, 299])
@pytest.mark.parametrize("size", [HELD, HELD + 1, GROWN])
def test_another_history_under_the_same_key_is_not_copied(
    door: Door, copied: Copied, folder: Path, forked_at, size
):
    copied(folder, HELD)
    before = files_in(folder)
    with pytest.raises(RemoteDamaged, match=f"do not lead from 300 .* {size} that it"):
        update(door, folder, log_of(size, forked_at=forked_at))
    assert files_in(folder) == before


def test_an_older_checkpoint_takes_nothing_back(
    door: Door, copied: Copied, folder: Path
):
    """A cache may serve it; it says nothing new."""
    copied(folder, HELD)
    before = files_in(folder)
    assert update(door, folder, log_of(250)) == 0
    assert files_in(folder) == before


def test_an_older_checkpoint_of_another_history_is_named(
    door: Door, copied: Copied, folder: Path
):
    copied(folder, HELD)
    with pytest.raises(RemoteDamaged):
        update(door, folder, log_of(250, forked_at=200))


def an_entry(**fields: Any) -> bytes:
    return encode_entry(replace(Author().entry(HELD, bytes(32)), **fields))


# What a log has signed under its own key, though no entry of it can be read.
NO_ENTRIES = {
    "nothing": (b"", "cannot be read"),
    "a byte too much": (history(HELD + 1)[HELD] + b"\x00", "cannot be read"),
    "a byte too little": (history(HELD + 1)[HELD][:-1], "cannot be read"),
    "an unknown version": (b"AML2" + history(HELD + 1)[HELD][4:], "cannot be read"),
    "an unknown kind": (
        history(HELD + 1)[HELD][:90] + b"\x7f\xff" + history(HELD + 1)[HELD][92:],
        "cannot be read",
    ),
    "no entry": (b"hello", "cannot be read"),
    "another log's": (an_entry(log_id=bytes(16)), "is another one"),
    "another place's": (an_entry(seq=HELD - 1), "is another one"),
}


@pytest.mark.parametrize("kind", NO_ENTRIES)
@pytest.mark.parametrize("place", [HELD, HELD + 300])
def test_what_no_entry_is_is_refused_though_the_log_has_signed_it(
    door: Door, copied: Copied, folder: Path, kind, place
):
    body, sentence = NO_ENTRIES[kind]
    copied(folder, HELD)
    bodies = list(history(GROWN))
    bodies[place] = body
    with pytest.raises(RemoteDamaged, match=f"Entry {place} .*{sentence}"):
        update(door, folder, signed(tuple(bodies)))
    assert_holds(folder, log_of(HELD))


def test_what_is_only_promised_takes_no_memory(
    door: Door, copied: Copied, folder: Path
):
    copied(folder, HELD)
    note = sign(Checkpoint(ORIGIN, 8_000_000, hash32("root")), LOG)
    door.show(replace(log_of(HELD), note=note))
    remote = door.remote()
    tracemalloc.start()
    try:
        with pytest.raises(PartyUnreachable, match="answers 404"):
            FolderMirror(folder).update(remote)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert door.asked == ["/checkpoint", "/tile/0/001"]
    assert_holds(folder, log_of(HELD))
    assert peak < 1_500_000


# A copy that was damaged where it lies


def tail_of(folder: Path) -> Path:
    """The one bundle that still grows."""
    (tail,) = (path for path in (folder / "tail").rglob("*") if path.is_file())
    return tail


def damage_tail(folder: Path) -> None:
    tail_of(folder).write_bytes(flip(tail_of(folder).read_bytes(), 500))


def cut_tail(folder: Path) -> None:
    tail_of(folder).write_bytes(tail_of(folder).read_bytes()[:-1])


def lose_tail(folder: Path) -> None:
    tail_of(folder).unlink()


def damage_tile(folder: Path) -> None:
    tile = folder / "tile/0/000"
    tile.write_bytes(flip(tile.read_bytes(), 5))


def cut_tile(folder: Path) -> None:
    tile = folder / "tile/0/000"
    tile.write_bytes(tile.read_bytes()[:-32])


def lose_tile(folder: Path) -> None:
    (folder / "tile/0/000").unlink()


DAMAGES = [damage_tail, cut_tail, lose_tail, damage_tile, cut_tile, lose_tile]


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("size", [HELD, GROWN])
def test_a_damaged_copy_is_not_built_upon(
    door: Door, copied: Copied, folder: Path, damage, size
):
    copied(folder, HELD)
    damage(folder)
    before = files_in(folder)
    with pytest.raises((RemoteDamaged, OSError)):
        update(door, folder, log_of(size))
    assert files_in(folder) == before


@pytest.mark.parametrize(
    "path",
    [pytest.param(path) for path in ("tile/0/001.p/44", "tile/entries/001.p/44")],
)
def test_a_copy_that_lost_its_tail_serves_nothing_in_its_place(
    door: Door, copied: Copied, folder: Path, path
):
    copied(folder, HELD)
    lose_tail(folder)
    mirror = FolderMirror(folder)
    _, kind, number = path.split("/", 2)
    try:
        if kind == "entries":
            answer = tile_http.entries(mirror, number, may=lambda: True)
        else:
            answer = tile_http.tile(mirror, kind, number)
    except (LedgerError, OSError):
        return
    assert answer.status != 200


# Parties that are down, slow, or do not end

Talk = Callable[[socket.socket, Event], None]
SLOW_S, ENDLESS = 2.0, 64 * 2**20
OK = b"HTTP/1.1 200 OK\r\n"


class _Listener(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True


@contextmanager
def speaking(talk: Talk) -> Iterator[str]:
    """The address of a server that answers in its own way until it is left."""
    left = Event()

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with suppress(OSError):
                self.request.recv(65_536)
                talk(self.request, left)

    with _Listener(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever, args=[0.01], daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            left.set()
            server.shutdown()
            thread.join()


@pytest.fixture
def short_limits(monkeypatch) -> None:
    monkeypatch.setattr(fetching, "CONNECT_S", 0.3)
    monkeypatch.setattr(fetching, "SILENT_S", 0.3)
    monkeypatch.setattr(fetching, "WHOLE_S", 0.4)


def says(*pieces: bytes) -> Talk:
    def talk(client: socket.socket, left: Event) -> None:
        for piece in pieces:
            client.sendall(piece)

    return talk


def drips(start: bytes, drop: bytes) -> Talk:
    """Never silent for long, never done."""

    def talk(client: socket.socket, left: Event) -> None:
        client.sendall(start)
        end = time.monotonic() + SLOW_S
        while time.monotonic() < end and not left.wait(0.03):
            client.sendall(drop)

    return talk


def pours(start: bytes, piece: bytes = bytes(65_536)) -> Talk:
    """Sends without end, as a memory would feel it."""

    def talk(client: socket.socket, left: Event) -> None:
        client.sendall(start)
        for _ in range(ENDLESS // len(piece)):
            client.sendall(piece)

    return talk


def is_silent(client: socket.socket, left: Event) -> None:
    left.wait(20)


def then_silent(start: bytes) -> Talk:
    def talk(client: socket.socket, left: Event) -> None:
        client.sendall(start)
        left.wait(20)

    return talk


def assert_gives_up(url: str, sentence: str | None = None) -> None:
    """Within its limits, with a sentence that names who was asked."""
    start = time.monotonic()
    try:
        with pytest.raises(PartyUnreachable, match=sentence) as told:
            remote_at(url).head()
        assert url in str(told.value)
    finally:
        assert time.monotonic() - start < SLOW_S * 0.8


SILENT = {
    "from the start": is_silent,
    "in its status": then_silent(b"HTTP/1.1 2"),
    "in its headers": then_silent(OK + b"Content-Length: 500\r\nX-"),
    "before its body": then_silent(OK + b"Content-Length: 500\r\n\r\n"),
    "in its body": then_silent(OK + b"Content-Length: 500\r\n\r\nhello"),
    "in a body of any length": then_silent(OK + b"\r\nhello"),
    "in a chunk": then_silent(
        OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n5"
    ),
}


@pytest.mark.parametrize("where", SILENT)
def test_a_party_that_falls_silent_is_given_up(short_limits, where):
    with speaking(SILENT[where]) as url:
        assert_gives_up(url, "does not answer")


DRIPS = [
    pytest.param(OK + b"X-Slow: ", b"a", id="headers"),
    pytest.param(OK + b"Content-Length: 500\r\n\r\n", b"a", id="body"),
    pytest.param(OK + b"\r\n", b"a", id="body of any length"),
    pytest.param(
        OK + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\na\r\n", id="chunks"
    ),
    pytest.param(OK + b"Transfer-Encoding: chunked\r\n\r\nff\r\n", b"a", id="chunk"),
]


@pytest.mark.slow
@pytest.mark.parametrize(("start", "drop"), DRIPS)
def test_a_party_that_drips_is_given_up(short_limits, start, drop):
    with speaking(drips(start, drop)) as url:
        assert_gives_up(url)


ENDLESSLY = {
    "body": pours(OK + b"\r\n"),
    "promised body": pours(OK + b"Content-Length: 99999999999\r\n\r\n"),
    "chunks": pours(
        OK + b"Transfer-Encoding: chunked\r\n\r\n",
        b"10000\r\n" + bytes(65_536) + b"\r\n",
    ),
    "one chunk": pours(OK + b"Transfer-Encoding: chunked\r\n\r\nffffffff\r\n"),
    "status": pours(b"HTTP/1.1 200 ", b"O" * 65_536),
    "header": pours(OK + b"X-Long: ", b"a" * 65_536),
    "headers": pours(OK, b"X-Many: a\r\n" * 1_000),
    "refusal": pours(b"HTTP/1.1 500 No\r\n\r\n"),
}


@pytest.mark.parametrize("what", ENDLESSLY)
def test_a_party_that_does_not_end_is_given_up(what):
    """The limits of time are as they are: those of size must do."""
    with speaking(ENDLESSLY[what]) as url:
        tracemalloc.start()
        try:
            assert_gives_up(url)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert peak < 8 * 2**20


def test_a_party_that_is_down_is_told(free_port: int):
    assert_gives_up(f"http://127.0.0.1:{free_port}", "does not answer")


@pytest.fixture
def free_port() -> int:
    """A port on which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_a_party_that_never_accepts_is_given_up(short_limits):
    """Its queue of connections is full."""
    with socket.socket() as full, socket.socket() as one, socket.socket() as two:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        for waiting in (one, two):
            waiting.setblocking(False)
            waiting.connect_ex(full.getsockname())
        assert_gives_up(f"http://127.0.0.1:{full.getsockname()[1]}", "does not answer")


NONSENSE = {
    "nothing": says(),
    "noise": says(b"\x00\xff\r\n" * 50),
    "no status": says(b"hello\r\n\r\n"),
    "status in letters": says(b"HTTP/1.1 OK OK\r\n\r\n"),
    "version unknown": says(b"HTTP/9.9 200 OK\r\n\r\n"),
    "body cut short": says(OK + b"Content-Length: 500\r\n\r\nhello"),
    "two lengths": says(OK + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!"),
    "no chunk": says(OK + b"Transfer-Encoding: chunked\r\n\r\nhello\r\n"),
    "chunk of less than nothing": says(
        OK + b"Transfer-Encoding: chunked\r\n\r\n-5\r\nhello\r\n0\r\n\r\n"
    ),
    "chunks cut short": says(OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"),
    "not packed": says(OK + b"Content-Encoding: gzip\r\n\r\nhello"),
    "packed and cut short": says(
        OK + b"Content-Encoding: gzip\r\n\r\n", gzip.compress(b"hello")[:9]
    ),
    "an error": says(b"HTTP/1.1 500 No\r\nContent-Length: 7\r\n\r\nbroken\n"),
    "nothing new": says(b"HTTP/1.1 304 Not Modified\r\n\r\n"),
    "a part": says(b"HTTP/1.1 206 Partial\r\nContent-Length: 5\r\n\r\nhello"),
    "only news of more": says(b"HTTP/1.1 100 Continue\r\n\r\n"),
}


@pytest.mark.parametrize(
    "what",
    NONSENSE,
)
def test_a_party_that_speaks_nonsense_is_told(what):
    with (
        speaking(NONSENSE[what]) as url,
        pytest.raises((PartyUnreachable, NoteRejected)),
    ):
        remote_at(url).head()


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_nobody_is_led_elsewhere(door: Door, status):
    """Not even to where the log really is: its address is known."""
    door.show(log_of(HELD))
    moved = f"HTTP/1.1 {status} Moved\r\nLocation: {door.url}/checkpoint\r\n"
    with speaking(says(moved.encode(), b"Content-Length: 0\r\n\r\n")) as url:
        assert_gives_up(url, f"answers {status}")
    assert door.asked == []


MOVED = b"HTTP/1.1 302 Moved\r\n"


def test_a_redirect_that_does_not_end_is_given_up():
    with speaking(pours(MOVED + b"Location: /elsewhere\r\n\r\n")) as url:
        tracemalloc.start()
        try:
            assert_gives_up(url)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert peak < 8 * 2**20


@pytest.mark.parametrize(
    "place",
    [
        pytest.param(b"http://["),
        pytest.param(b"http://[::1"),
        pytest.param(b"\xff"),
        b"",
        b"//",
        b"ftp://elsewhere.example",
    ],
)
def test_a_redirect_to_nowhere_is_told(place):
    head = MOVED + b"Location: " + place + b"\r\nContent-Length: 0\r\n\r\n"
    with speaking(says(head)) as url:
        assert_gives_up(url)


def test_a_party_that_fails_leaves_the_copy_as_it_was(
    door: Door, copied: Copied, folder: Path, short_limits, free_port: int
):
    copied(folder, HELD)
    before = files_in(folder)
    with speaking(is_silent) as silent, speaking(says(b"noise")) as noisy:
        for url in (silent, noisy, f"http://127.0.0.1:{free_port}"):
            with pytest.raises(PartyUnreachable):
                FolderMirror(folder).update(remote_at(url))
    assert files_in(folder) == before
