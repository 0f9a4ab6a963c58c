"""Asking witnesses: one that is down, slow or lying holds up neither log nor others."""

import base64
import signal
import socket
import socketserver
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from email.message import Message
from email.parser import BytesParser
from io import BytesIO
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from django.db import connection

from ledger import fetching
from ledger.checkpoint import Checkpoint, sign
from ledger.cosignature import cosign, cosignatures
from ledger.errors import LedgerBehind, LedgerDamaged, PartyUnreachable
from ledger.fetching import Party
from ledger.history import progress
from ledger.models import Contact
from ledger.models import Cosignature as Row
from ledger.note import COSIGNATURE_TYPE, sign_note, signature_line
from ledger.policy import Party as Known
from ledger.policy import Policy, format_policy, k_of_n
from ledger.site import head_guard, log_signer, origin, site_certifier
from ledger.verifier_key import VerifierKey
from ledger.witnessing import asking
from ledger.witnessing.asking import Asker, promises
from ledger.witnessing.client import WitnessClient
from ledger.witnessing.folder import WitnessFolder
from ledger.witnessing.wsgi import WitnessApp
from tests.conftest import clone_of, connected_to, head_of
from tests.ledger.process import Process, start
from tests.ledger.serving import served
from tests.ledger.test_witness import ROOT, Log, lines_of, seen_at, text_of
from tests.ledger.values import hash32, signer
from tests.ledger.world import World

NOW = 1_790_000_000


def site_log() -> VerifierKey:
    return VerifierKey(origin(), log_signer().public_key)


@dataclass
class Honest:
    """A witness of this log, in a folder, with what it was asked."""

    folder: WitnessFolder
    app: Any
    url: str = ""
    asked: list[str] = field(default_factory=list)  # first lines

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        if environ["REQUEST_METHOD"] == "POST":
            body = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
            environ["wsgi.input"] = BytesIO(body)
            self.asked.append(body.partition(b"\n")[0].decode())
        return self.app(environ, start_response)

    @property
    def name(self) -> str:
        return self.folder.name

    @property
    def party(self) -> Known:
        return Known(self.name.replace("/", "-"), self.folder.key, self.url)

    def holds(self) -> int:
        seen = self.folder.store.last(origin())
        return seen.size if seen else 0


class Request(NamedTuple):
    """What a liar was asked; it answers as it likes."""

    method: str
    path: str
    body: bytes
    send: Callable[[bytes], None]
    over: threading.Event  # set when the test is

    @property
    def text(self) -> str:
        """Of the checkpoint that was to be cosigned."""
        return text_of(self.body.decode().partition("\n\n")[2])


Act = Callable[[Request], None]


class Handler(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        with suppress(OSError):
            words = self.rfile.readline().decode().split()
            if len(words) != 3:
                return
            headers: Message = BytesParser().parsebytes(self._head())
            body = self.rfile.read(int(headers.get("Content-Length", 0)))
            assert isinstance(self.server, Liar)
            self.server.asked.set()
            self.server.count += 1
            send, over = self.request.sendall, self.server.over
            self.server.act(Request(words[0], words[1], body, send, over))

    def _head(self) -> bytes:
        lines = iter(self.rfile.readline, b"\r\n")
        return b"".join(lines)


class Liar(socketserver.ThreadingTCPServer):
    """Speaks to whoever connects, byte by byte as it likes."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 32

    def __init__(self, act: Act) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.act = act
        self.over, self.asked, self.count = threading.Event(), threading.Event(), 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


@contextmanager
def lying(act: Act) -> Iterator[Liar]:
    with Liar(act) as server:
        thread = threading.Thread(
            target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        )
        thread.start()
        try:
            yield server
        finally:
            server.over.set()
            server.shutdown()
            thread.join()


def answer(body: bytes | str, status: int = 200, **headers: str) -> Act:
    data = body.encode() if isinstance(body, str) else body
    lines = [f"HTTP/1.1 {status} So", "Connection: close"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    lines += [f"Content-Length: {len(data)}", "", ""]
    head = "\r\n".join(lines).encode("latin-1")
    return lambda asked: asked.send(head + data)


def silent(asked: Request) -> None:
    asked.over.wait(timeout=60)


def silent_about_checkpoints(asked: Request) -> None:
    """Once the log is at work."""
    if asked.method == "POST":
        silent(asked)
    answer("", 404)(asked)


def dripping(head: bytes, piece: bytes = b"x") -> Act:
    """Never silent for long, never done."""

    def drip(asked: Request) -> None:
        asked.send(head)
        while not asked.over.wait(timeout=0.05):
            asked.send(piece)

    return drip


def endless(asked: Request) -> None:
    asked.send(b"HTTP/1.1 200 OK\r\n\r\n")
    while not asked.over.is_set():
        asked.send(bytes(65_536))


Serve = Callable[..., Any]


@pytest.fixture
def stage(world: World) -> Iterator[ExitStack]:
    """Servers that end with the test."""
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def witness(world: World, stage: ExitStack, tmp_path: Path) -> Callable[[int], Honest]:
    """Serves a witness of this log, by its number."""
    policy = k_of_n((Known(origin(), site_log()),), (), 0)

    def served_one(number: int) -> Honest:
        name = f"w{number}.example/witness"
        folder = WitnessFolder(tmp_path / f"w{number}", name=name)
        honest = Honest(folder, WitnessApp(folder, policy, seen=lambda: None))
        honest.url = stage.enter_context(served(honest))
        return honest

    return served_one


LIAR = signer(90)


def liar_key(number: int = 0) -> VerifierKey:
    return VerifierKey(f"liar{number}.example", LIAR.public_key, COSIGNATURE_TYPE)


def liar_party(url: str, number: int = 0) -> Known:
    key = VerifierKey(
        f"liar{number}.example", signer(90 + number).public_key, COSIGNATURE_TYPE
    )
    return Known(f"liar{number}", key, url)


@contextmanager
def asker_of(
    world: World, *witnesses: Known, needed: int
) -> Iterator[Callable[[], bool]]:
    """An asker with its own login; called, it asks once."""
    policy = k_of_n((), witnesses, needed)
    pool = ThreadPoolExecutor(len(witnesses))
    with world.connect("sequencer") as login:
        stop = threading.Event()
        asker = Asker(
            login, origin=origin(), signer=log_signer(), policy=policy, stop=stop
        )
        yield lambda: asker.ask(pool)
        pool.shutdown(wait=False, cancel_futures=True)


def cosigned() -> set[tuple[str, int]]:
    """Who has cosigned what size, each row verified against its checkpoint."""
    return set(Row.objects.values_list("witness", "size"))


def verified(world: World, *witnesses: Honest) -> None:
    """Every row is a line that its witness's key has signed under its checkpoint."""
    keys = [each.folder.key for each in witnesses]
    for row in Row.objects.all():
        ((note,),) = world.rows(
            f"SELECT note FROM ledger.checkpoint WHERE size = {row.size}"
        )
        (said,) = cosignatures(note + row.line, keys)
        assert (said.name, said.key_id, said.time) == (
            row.witness,
            bytes(row.key_id),
            row.cosigned_at,
        )


def troubles() -> dict[str, str]:
    """What each witness's key name was last in trouble with; names here are unique."""
    rows = Contact.objects.values_list("witness", "trouble")
    return {label.rpartition("+")[0]: trouble for label, trouble in rows}


# Honest witnesses


def test_all_witnesses_cosign_the_same_checkpoint(world: World, witness):
    one, two, three = (witness(number) for number in (1, 2, 3))
    world.sequence(2, 3)
    with asker_of(world, one.party, two.party, three.party, needed=3) as ask:
        assert ask()
        assert cosigned() == {(each.name, 5) for each in (one, two, three)}
        verified(world, one, two, three)
        assert [each.asked for each in (one, two, three)] == [["old 0"]] * 3
        assert troubles() == dict.fromkeys((one.name, two.name, three.name), "")
        for contact in Contact.objects.all():
            assert contact.answered_at is not None
            assert contact.answered_at >= contact.asked_at
        assert not ask()
        world.sequence(4)
        assert ask()
        assert cosigned() >= {(each.name, 9) for each in (one, two, three)}
        assert [each.asked for each in (one, two, three)] == [["old 0", "old 5"]] * 3
    verified(world, one, two, three)


def test_of_an_empty_log_nobody_is_asked(world: World, witness):
    one = witness(1)
    with asker_of(world, one.party, needed=1) as ask:
        assert not ask()
    assert one.asked == []
    assert troubles() == {}


def test_a_witness_without_an_address_is_not_asked(world: World, witness):
    one, two = witness(1), witness(2)
    world.sequence(3)
    nowhere = Known("two", two.folder.key)
    with asker_of(world, one.party, nowhere, needed=1) as ask:
        assert ask()
    assert cosigned() == {(one.name, 3)}
    assert troubles() == {one.name: ""}


def test_a_quorum_is_met_with_one_witness_down(world: World, witness):
    one, two = witness(1), witness(2)
    world.sequence(5)
    down = liar_party(f"http://127.0.0.1:{closed_port()}")
    with asker_of(world, down, one.party, two.party, needed=2) as ask:
        assert ask()
        assert cosigned() == {(one.name, 5), (two.name, 5)}
        ask()
    assert "does not answer (ConnectionRefusedError)." in troubles()["liar0.example"]
    verified(world, one, two)


def closed_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_a_witness_that_knows_an_older_size_is_shown_the_growth(world: World, witness):
    one = witness(1)
    world.sequence(3)
    ((note,),) = world.rows("SELECT note FROM ledger.checkpoint")
    ((root,),) = world.rows("SELECT root FROM ledger.checkpoint")
    client = WitnessClient(key=one.folder.key, url=one.url)
    client.cosign(Checkpoint(origin(), 3, root), note, lambda old: ())
    world.sequence(4)
    one.asked.clear()
    with asker_of(world, one.party, needed=1) as ask:
        assert ask()
    assert one.asked == ["old 0", "old 3"]
    assert (cosigned(), troubles()) == ({(one.name, 7)}, {one.name: ""})
    verified(world, one)


def test_an_asker_that_was_restarted_remembers(world: World, witness):
    one, two = witness(1), witness(2)
    world.sequence(3)
    with asker_of(world, one.party, two.party, needed=2) as ask:
        assert ask()
    with asker_of(world, one.party, two.party, needed=2) as ask:
        assert not ask()
        world.sequence(1)
        assert ask()
    assert one.asked == two.asked == ["old 0", "old 3"]


def test_a_witness_that_has_forgotten_begins_anew(world: World, witness, tmp_path):
    one = witness(1)
    world.sequence(3)
    with asker_of(world, one.party, needed=1) as ask:
        assert ask()
        for kept in (tmp_path / "w1" / "seen").iterdir():
            kept.unlink()
        world.sequence(2)
        assert ask()
    assert one.asked == ["old 0", "old 3", "old 0"]
    assert cosigned() == {(one.name, 3), (one.name, 5)}


def test_a_witness_that_comes_back_is_fine_again(world: World, witness, monkeypatch):
    monkeypatch.setattr(asking, "FIRST_PAUSE_S", 0.0)
    one = witness(1)
    app, one.app = one.app, refusing
    world.sequence(3)
    with asker_of(world, one.party, needed=1) as ask:
        assert ask()
        assert troubles() == {one.name: f"{one.name} refuses (503): Not now."}
        assert Contact.objects.get().answered_at is None
        one.app = app
        assert ask()
        assert troubles() == {one.name: ""}
        answered_at = Contact.objects.get().answered_at
        assert answered_at is not None
        one.app = refusing
        world.sequence(1)
        assert ask()
    contact = Contact.objects.get()
    assert contact.trouble
    assert contact.answered_at == answered_at
    assert cosigned() == {(one.name, 3)}


def refusing(environ: dict[str, Any], start_response: Any) -> list[bytes]:
    start_response("503 Service Unavailable", [("Content-Type", "text/plain")])
    return [b"Not now.\n"]


def test_whoever_fails_is_asked_ever_more_rarely(world: World, witness, monkeypatch):
    monkeypatch.setattr(asking, "FIRST_PAUSE_S", 60.0)
    one, two = witness(1), witness(2)
    one.app = refusing
    world.sequence(3)
    with asker_of(world, one.party, two.party, needed=2) as ask:
        assert ask()
        assert not ask()
        world.sequence(1)
        assert ask()
    assert (one.asked, two.asked) == (["old 0"], ["old 0", "old 3"])


def test_another_policy_ends_the_asking(world: World, witness):
    one, stop = witness(1), threading.Event()
    world.sequence(3)
    with world.connect("sequencer") as login:
        policy = k_of_n((), (one.party,), 1)
        asker = Asker(
            login, origin=origin(), signer=log_signer(), policy=policy, stop=stop
        )
        asker.run(outdated=lambda: bool(cosigned()))
    assert cosigned() == {(one.name, 3)}


def test_after_an_answer_the_pauses_begin_anew(world: World, witness, monkeypatch):
    monkeypatch.setattr(asking, "FIRST_PAUSE_S", 0.0)
    one = witness(1)
    app, one.app = one.app, refusing
    world.sequence(3)
    with asker_of(world, one.party, needed=1) as ask:
        assert ask()
        one.app = app
        monkeypatch.setattr(asking, "FIRST_PAUSE_S", 60.0)
        assert ask()
        one.app = refusing
        world.sequence(1)
        assert ask()
        assert not ask()
    assert one.asked == ["old 0", "old 0", "old 3"]


# Liars


def cosigning(*, text: str | None = None, seed: int, name: str, time: int = NOW) -> Act:
    """Answers with a cosignature of whatever is said here."""

    def act(asked: Request) -> None:
        said = cosign(text or asked.text, name=name, signer=signer(seed), time=time)
        answer(said)(asked)

    return act


def without_time(number: int) -> Act:
    def act(asked: Request) -> None:
        key = liar_party("", number).key
        message = f"cosignature/v1\ntime 0\n{asked.text}".encode()
        stamp = bytes(8) + signer(90 + number).sign(message)
        answer(signature_line(key.name, key.key_id, stamp))(asked)

    return act


def echo(asked: Request) -> None:
    answer(lines_of(asked.body.decode()))(asked)


OTHER_TEXT = f"other.example\n5\n{ROOT}\n"
SIZE_TYPE = "text/x.tlog.size"
# By number: what the liar of this number does, and the words kept of it.
LIARS: list[tuple[Callable[[int], Act], str]] = [
    (lambda n: answer("hello\n"), "answers falsely"),
    (lambda n: answer("hello"), "answers falsely"),
    (lambda n: answer(""), "answers falsely"),
    (lambda n: answer("\n"), "answers falsely"),
    (lambda n: answer(b"\xff\xfe\x00\n"), "answers falsely"),
    (lambda n: answer(f"— liar{n}.example AAAA\n"), "answers falsely"),
    (lambda n: echo, "without a cosignature"),
    (
        lambda n: cosigning(seed=7, name=f"liar{n}.example"),
        "without a cosignature",
    ),
    (
        lambda n: cosigning(seed=90 + n, name="w1.example/witness"),
        "without a cosignature",
    ),
    (
        lambda n: cosigning(text=OTHER_TEXT, seed=90 + n, name=f"liar{n}.example"),
        "is false",
    ),
    (without_time, "names no time"),
    (lambda n: answer("", 409), "where it stands"),
    (lambda n: answer("many\n", 409, Content_Type=SIZE_TYPE), "where it stands"),
    (lambda n: answer("05\n", 409, Content_Type=SIZE_TYPE), "where it stands"),
    (lambda n: answer("-1\n", 409, Content_Type=SIZE_TYPE), "where it stands"),
    (lambda n: answer("3", 409, Content_Type=SIZE_TYPE), "where it stands"),
    (lambda n: answer("3\n", 409, Content_Type="text/html"), "where it stands"),
    (lambda n: answer(f"{'9' * 30}\n", 409, Content_Type=SIZE_TYPE), "where it stands"),
    (lambda n: answer("6\n", 409, Content_Type=SIZE_TYPE), "6 entries already, more"),
    (
        lambda n: answer(f"{2**63 - 1}\n", 409, Content_Type=SIZE_TYPE),
        "more than the 5 of this log",
    ),
    (lambda n: answer("3\n", 409, Content_Type=SIZE_TYPE), "refuses (409): 3"),
    (lambda n: answer("0\n", 409, Content_Type=SIZE_TYPE), "refuses (409): 0"),
    (lambda n: answer("No.\n", 422), "refuses (422): No."),
    (lambda n: answer("x" * 60_000, 403), f"refuses (403): {'x' * 200}"),
    (lambda n: answer(b"\xff\xfe", 500), "refuses (500)"),
    (lambda n: answer("", 302, Location="/elsewhere"), "refuses (302)"),
    (lambda n: answer("", 307, Location="http://127.0.0.1:1/"), "refuses (307)"),
    (lambda n: answer("x" * 70_000), "sends more than was asked for"),
    (lambda n: endless, "sends more than was asked for"),
    (lambda n: answer(b"abc", Content_Encoding="gzip"), "answers falsely"),
    (lambda n: lambda asked: asked.send(b"hello\r\n\r\n"), "does not answer"),
    (
        lambda n: lambda asked: asked.send(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n"),
        "does not answer",
    ),
    (lambda n: lambda asked: None, "does not answer"),
]  # fmt: skip


@pytest.mark.slow
def test_whatever_liars_say_the_others_are_heard_and_nothing_false_is_kept(
    world: World, witness, stage: ExitStack, monkeypatch
):
    monkeypatch.setattr(asking, "ROUND_S", 60.0)
    one, two = witness(1), witness(2)
    world.sequence(3, 2)
    liars = [
        liar_party(stage.enter_context(lying(made(number))).url, number)
        for number, (made, _) in enumerate(LIARS)
    ]
    half = len(liars) // 2
    everyone = [*liars[:half], one.party, *liars[half:], two.party]
    with asker_of(world, *everyone, needed=len(everyone)) as ask:
        ask()
    assert cosigned() == {(one.name, 5), (two.name, 5)}
    verified(world, one, two)
    said = troubles()
    assert (said.pop(one.name), said.pop(two.name)) == ("", "")
    assert set(said) == {liar.key.name for liar in liars}
    wrong = {
        number: said[liars[number].key.name]
        for number, (_, words) in enumerate(LIARS)
        if words not in said[liars[number].key.name]
    }
    assert wrong == {}
    answered = Contact.objects.filter(witness__startswith="liar")
    assert not answered.exclude(answered_at=None).exists()


def test_a_redirection_is_not_followed(world: World, witness, stage: ExitStack):
    """Else whoever is asked decides who is told, and what this machine can reach."""
    one = witness(1)
    for status in (301, 302, 303, 307, 308):
        elsewhere = f"{one.url}/add-checkpoint"
        liar = stage.enter_context(lying(answer("", status, Location=elsewhere)))
        reply = Party(liar.url).post("add-checkpoint", b"x", most=100)
        assert reply.status == status
    assert one.asked == []


def test_a_witness_that_claims_a_larger_log_is_not_believed(
    world: World, witness, stage: ExitStack
):
    """It cannot show a checkpoint of that size, so the log goes on as it is."""
    world.sequence(5)
    liar = stage.enter_context(lying(answer("900\n", 409, Content_Type=SIZE_TYPE)))
    with asker_of(world, liar_party(liar.url), needed=1) as ask:
        ask()
    assert troubles() == {
        "liar0.example": "liar0.example has cosigned 900 entries already, more than the"
        " 5 of this log."
    }
    world.sequence(1)
    assert world.count("entry") == 6


@pytest.mark.slow
def test_a_silent_witness_is_given_up_with_a_sentence(
    world: World, witness, stage: ExitStack, monkeypatch
):
    monkeypatch.setattr(fetching, "SILENT_S", 1.0)
    one = witness(1)
    world.sequence(5)
    liar = stage.enter_context(lying(silent))
    with asker_of(world, liar_party(liar.url), one.party, needed=2) as ask:
        ask()
    assert cosigned() == {(one.name, 5)}
    assert troubles()[one.name] == ""
    assert "does not answer in time." in troubles()["liar0.example"]


@pytest.mark.timeout(60)
def test_a_round_ends_when_the_quorum_is_met(
    world: World, witness, stage: ExitStack, monkeypatch
):
    monkeypatch.setattr(asking, "ROUND_S", 600.0)
    for limit in ("SILENT_S", "WHOLE_S"):
        monkeypatch.setattr(fetching, limit, 600.0)
    one, two = witness(1), witness(2)
    world.sequence(5)
    liar = stage.enter_context(lying(silent))
    with asker_of(world, liar_party(liar.url), one.party, two.party, needed=2) as ask:
        assert ask()
        ask()
        assert cosigned() == {(one.name, 5), (two.name, 5)}
        assert not liar.over.is_set()


@pytest.mark.slow
def test_a_round_without_its_quorum_is_given_up(
    world: World, witness, stage: ExitStack, monkeypatch
):
    monkeypatch.setattr(asking, "ROUND_S", 0.5)
    one = witness(1)
    world.sequence(5)
    liar = stage.enter_context(lying(silent))
    with asker_of(world, liar_party(liar.url), one.party, needed=2) as ask:
        assert ask()
        while cosigned() != {(one.name, 5)}:
            ask()
        assert not liar.over.is_set()
        world.sequence(2)
        while cosigned() != {(one.name, 5), (one.name, 7)}:
            ask()
    assert liar.count == 1
    assert "liar0.example" not in troubles()


@pytest.mark.slow
@pytest.mark.timeout(120)
def test_while_a_silent_witness_is_asked_the_log_goes_on_and_is_witnessed(
    world: World, witness, stage: ExitStack, monkeypatch
):
    for limit in ("SILENT_S", "WHOLE_S"):
        monkeypatch.setattr(fetching, limit, 600.0)
    one, two, stop = witness(1), witness(2), threading.Event()
    liar = stage.enter_context(lying(silent))
    policy = k_of_n((), (liar_party(liar.url), one.party, two.party), 2)
    with world.connect("sequencer") as login:
        asker = Asker(
            login, origin=origin(), signer=log_signer(), policy=policy, stop=stop
        )
        thread = threading.Thread(target=asker.run, kwargs={"outdated": lambda: False})
        thread.start()
        world.sequence(3)
        assert liar.asked.wait(timeout=60)
        for size in (4, 5, 6):
            world.sequence(1)
            assert world.rows("SELECT max(size) FROM ledger.checkpoint") == [(size,)]
            while not {(one.name, size), (two.name, size)} <= cosigned():
                time.sleep(0.02)
        assert liar.count == 1
        stop.set()
        thread.join(timeout=20)
        # Whoever is still being waited for does not hold up the end.
        assert not thread.is_alive()
        assert not liar.over.is_set()
    verified(world, one, two)


BODY = b"HTTP/1.1 200 OK\r\nContent-Length: 60000\r\n\r\n"
DRIPS = {
    "a body": (BODY, b"x"),
    "a body without length": (b"HTTP/1.1 200 OK\r\n\r\n", b"x"),
    "chunks": (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"1\r\nx\r\n",
    ),
    "a status line": (b"HTTP/1.1 200 ", b"x"),
    "a header": (b"HTTP/1.1 200 OK\r\nX: ", b"x"),
    "headers": (b"HTTP/1.1 200 OK\r\n", b"X: y\r\n"),
    "a redirection": (b"HTTP/1.1 302 Found\r\nLocation: /\r\n\r\n", b"x"),
}


@pytest.mark.slow
@pytest.mark.parametrize("what", DRIPS)
def test_whoever_drips_is_given_up_when_the_time_is_up(what: str, monkeypatch):
    monkeypatch.setattr(fetching, "WHOLE_S", 0.5)
    pool = ThreadPoolExecutor(1)
    with lying(dripping(*DRIPS[what])) as liar:
        asked = pool.submit(Party(liar.url).post, "add-checkpoint", b"x", most=65_535)
        try:
            with pytest.raises(PartyUnreachable, match="does not answer in time"):
                asked.result(timeout=10)
            assert not liar.over.is_set()
        finally:
            pool.shutdown(wait=False)


@pytest.mark.slow
def test_nor_is_silence_waited_for_beyond_that_time(monkeypatch):
    monkeypatch.setattr(fetching, "WHOLE_S", 0.5)
    monkeypatch.setattr(fetching, "SILENT_S", 600.0)

    def one_word(asked: Request) -> None:
        asked.send(BODY + b"x")
        silent(asked)

    for act in (silent, one_word):
        pool = ThreadPoolExecutor(1)
        with lying(act) as liar:
            asked = pool.submit(Party(liar.url).get, "checkpoint", most=65_535)
            try:
                with pytest.raises(PartyUnreachable, match="does not answer in time"):
                    asked.result(timeout=10)
                assert not liar.over.is_set()
            finally:
                pool.shutdown(wait=False)


def test_not_even_a_redirection_may_be_larger_than_was_asked_for():
    sent, enough = 0, 30_000_000

    def redirect(asked: Request) -> None:
        nonlocal sent
        asked.send(b"HTTP/1.1 302 Found\r\nLocation: /\r\n\r\n")
        while sent < enough and not asked.over.is_set():
            asked.send(bytes(65_536))
            sent += 65_536

    with lying(redirect) as liar, suppress(PartyUnreachable):
        Party(liar.url).post("add-checkpoint", b"x", most=65_535)
    # What the sockets hold back is sent as well, a few megabytes.
    assert sent < enough


WRONG_LOCATIONS = ["http://[", "/\xff"]


@pytest.mark.parametrize("location", WRONG_LOCATIONS)
def test_a_redirection_to_nowhere_is_a_liar_s_answer_like_any_other(
    world: World, witness, stage: ExitStack, location: str
):
    one = witness(1)
    world.sequence(5)
    liar = stage.enter_context(lying(answer("", 302, Location=location)))
    with asker_of(world, liar_party(liar.url), one.party, needed=2) as ask:
        ask()
    assert cosigned() == {(one.name, 5)}
    assert troubles()["liar0.example"]


def test_a_zero_byte_in_a_refusal_is_a_liar_s_answer_like_any_other(
    world: World, witness, stage: ExitStack
):
    one = witness(1)
    world.sequence(5)
    liar = stage.enter_context(lying(answer(b"No\x00body.\n", 500)))
    with asker_of(world, liar_party(liar.url), one.party, needed=2) as ask:
        ask()
    assert cosigned() == {(one.name, 5)}
    assert "refuses (500)" in troubles()["liar0.example"]


@pytest.mark.parametrize("host", ["witness..example", f"{'a' * 64}.example"])
def test_an_address_that_cannot_be_one_is_a_witness_that_does_not_answer(host: str):
    with pytest.raises(PartyUnreachable):
        Party(f"http://{host}").get("checkpoint", most=100)


# What witnesses hold when the log starts


def held_by(*witnesses: Known) -> dict[str, str]:
    policy = k_of_n((), witnesses, 0)
    found = promises(origin=origin(), signer=log_signer(), policy=policy)
    return {promise.kept_by: promise.note for promise in found}


def cosigned_by(world: World, *witnesses: Honest) -> None:
    with asker_of(world, *(w.party for w in witnesses), needed=len(witnesses)) as ask:
        assert ask()


def resume(world: World, *witnesses: Known) -> None:
    """Take up the log as the sequencer does when it starts."""
    policy = k_of_n((), witnesses, 0)
    with world.connect("sequencer") as login:
        site_certifier(login).resume(
            promises(origin=origin(), signer=log_signer(), policy=policy)
        )


def test_what_witnesses_hold_is_asked_for(world: World, witness):
    one, two, three = (witness(number) for number in (1, 2, 3))
    world.sequence(3)
    cosigned_by(world, one)
    world.sequence(2)
    cosigned_by(world, two)
    found = held_by(one.party, two.party, three.party)
    assert {name: note.split("\n")[1] for name, note in found.items()} == {
        one.name: "3",
        two.name: "5",
    }
    resume(world, one.party, two.party, three.party)


def forged(size: int, **given: Any) -> str:
    """A checkpoint of this log that it never reached; signed by its key, unless."""
    checkpoint = Checkpoint(given.get("origin", origin()), size, hash32("forged"))
    return sign(checkpoint, given.get("signer", log_signer()))


def test_what_the_log_has_not_signed_does_not_stop_it(world: World, stage: ExitStack):
    world.sequence(5)
    note = forged(900)
    own, other = log_signer(), signer(66)
    false = lines_of(forged(901))
    liars: list[Act] = [
        answer(forged(900, signer=other)),
        answer(forged(900, origin="other.example")),
        answer(text_of(note) + "\n" + false),
        answer(note.replace("900", "9000")),
        answer(sign_note(f"{origin()}\nmany\n{ROOT}\n", name=origin(), signer=own)),
        answer(sign_note(f"other.example\n9\n{ROOT}\n", name=origin(), signer=own)),
        answer(note + "no signature\n"),
        answer(note, 500),
        answer(note, 302, Location="/elsewhere"),
        answer(""),
        answer("hello"),
        answer(b"\xff\xfe\x00"),
        answer(note.encode() + bytes(70_000)),
        answer("", 404),
        endless,
        lambda asked: None,
    ]
    parties = [
        liar_party(stage.enter_context(lying(act)).url, number)
        for number, act in enumerate(liars)
    ]
    assert held_by(*parties) == {}
    resume(world, *parties)


@pytest.mark.slow
def test_whoever_does_not_answer_does_not_hold_up_the_start(
    world: World, witness, stage: ExitStack, monkeypatch
):
    monkeypatch.setattr(fetching, "SILENT_S", 1.0)
    one = witness(1)
    world.sequence(5)
    cosigned_by(world, one)
    liar = stage.enter_context(lying(silent))
    down = liar_party(f"http://127.0.0.1:{closed_port()}", 1)
    found = held_by(liar_party(liar.url), down, one.party)
    assert set(found) == {one.name}
    assert not liar.over.is_set()
    resume(world, down, one.party)
    world.sequence(1)


@pytest.fixture
def backup(world: World, django_db_blocker) -> Iterator[World]:
    """The database as it was at 3 entries, which has gone on to 5 elsewhere.

    Its own guard was restored with it, as it must not be.
    """
    world.sequence(3)
    connection.close()
    with clone_of(world.database) as name:
        head_of(name).write_text(head_guard().read() or "")
        world.sequence(2)
        yield World(name)


def test_a_restored_database_is_found_out_by_a_witness(
    world: World, backup: World, witness
):
    one, two = witness(1), witness(2)
    cosigned_by(world, two)
    with connected_to(backup.database):
        resume(backup)
        resume(backup, one.party)
        with pytest.raises(LedgerBehind, match="5 entries") as behind:
            resume(backup, one.party, two.party)
    assert behind.value.seq == 3
    assert two.name in str(behind.value)
    resume(world, one.party, two.party)


def test_a_restored_database_that_has_gone_on_differently_is_a_fork(
    world: World, backup: World, witness
):
    one = witness(1)
    cosigned_by(world, one)
    with connected_to(backup.database):
        backup.sequence(2)
        with pytest.raises(LedgerDamaged, match="a fork") as damaged:
            resume(backup, one.party)
        assert not isinstance(damaged.value, LedgerBehind)
        backup.sequence(4)
        with pytest.raises(LedgerDamaged, match="a fork"):
            resume(backup, one.party)
    resume(world, one.party)


def test_a_witness_that_holds_another_history_stops_the_log(world: World, witness):
    """It is signed with the log's own key, so one of the two is a lie of the log."""
    one = witness(1)
    fork = Log(origin(), signer=log_signer())  # type: ignore[arg-type] # the same kind
    client = WitnessClient(key=one.folder.key, url=one.url)
    client.cosign(fork.checkpoint(3), fork.note(3), lambda old: ())
    world.sequence(5)
    with pytest.raises(LedgerDamaged, match="another root of the first 3 entries"):
        resume(world, one.party)
    assert world.rows("SELECT max(size) FROM ledger.checkpoint") == [(5,)]


@pytest.mark.parametrize("location", WRONG_LOCATIONS)
def test_a_redirection_to_nowhere_does_not_hold_up_the_start(
    world: World, stage: ExitStack, location: str
):
    world.sequence(5)
    liar = stage.enter_context(lying(answer("", 302, Location=location)))
    resume(world, liar_party(liar.url))


# The whole process


@pytest.fixture
def sequencer(world: World, tmp_path, monkeypatch) -> Iterator[Callable[..., Process]]:
    """Starts the site's sequencer with a policy."""
    monkeypatch.setenv("LEDGER_POLICY", str(tmp_path / "policy"))
    processes: list[Process] = []

    def start_one(policy: str | Policy) -> Process:
        text = policy if isinstance(policy, str) else format_policy(policy)
        (tmp_path / "policy").write_text(text)
        processes.append(start(world.database, "sequencer", "run_sequencer"))
        return processes[-1]

    yield start_one
    for process in processes:
        process.popen.kill()
        process.popen.communicate()


def wait_until_sequenced(ids: list[bytes]) -> None:
    while any(known.state == "accepted" for known in progress(ids).values()):
        time.sleep(0.02)


@pytest.mark.slow
@pytest.mark.timeout(120)
def test_the_site_s_log_is_witnessed_while_one_is_silent_and_one_is_down(
    world: World, witness, stage: ExitStack, sequencer
):
    one, two = witness(1), witness(2)
    liar = stage.enter_context(lying(silent_about_checkpoints))
    down = liar_party(f"http://127.0.0.1:{closed_port()}", 1)
    everyone = (liar_party(liar.url), down, one.party, two.party)
    process = sequencer(k_of_n((), everyone, 2))
    wait_until_sequenced(world.queue(3))
    while not {(one.name, 3), (two.name, 3)} <= cosigned():
        time.sleep(0.02)
    wait_until_sequenced(world.queue(1))
    while not {(one.name, 4), (two.name, 4)} <= cosigned():
        time.sleep(0.02)
    verified(world, one, two)
    assert not liar.over.is_set()
    liar.over.set()
    assert process.stop(signal.SIGTERM) == 0


@pytest.mark.slow
@pytest.mark.timeout(120)
def test_a_policy_that_cannot_be_read_is_said_and_the_log_goes_on(
    world: World, sequencer
):
    process = sequencer("quorum none\nnonsense\n")
    assert "Line 2" in process.says("The witnesses are not asked")
    wait_until_sequenced(world.queue(3))
    assert process.stop(signal.SIGTERM) == 0


@pytest.mark.slow
@pytest.mark.timeout(120)
def test_no_witness_can_keep_the_site_s_log_from_starting(
    world: World, stage: ExitStack, sequencer
):
    liar = stage.enter_context(lying(answer("", 302, Location="http://[")))
    process = sequencer(k_of_n((), (liar_party(liar.url),), 1))
    process.says("The sequencer is at work")


@pytest.mark.slow
@pytest.mark.timeout(120)
def test_a_witness_that_was_away_at_the_start_still_stops_a_fork(
    world: World, witness, sequencer, tmp_path
):
    one = witness(1)
    fork = Log(origin(), signer=log_signer())  # type: ignore[arg-type] # the same kind
    nowhere = Known(one.party.name, one.folder.key, f"http://127.0.0.1:{closed_port()}")
    process = sequencer(k_of_n((), (nowhere,), 1))
    process.says("The sequencer is at work")
    wait_until_sequenced(world.queue(3))
    assert one.folder.store.advance(fork.origin, old_size=0, seen=seen_at(fork, 9))
    (tmp_path / "policy").write_text(format_policy(k_of_n((), (one.party,), 1)))
    process.says(f"{one.name} holds a checkpoint of 9 entries")


def test_liars_of_these_tests_have_keys_of_their_own():
    keys = [liar_party("", number).key for number in range(len(LIARS))]
    assert len({key.raw for key in keys}) == len(LIARS)
    assert base64.b64encode(keys[0].raw)
