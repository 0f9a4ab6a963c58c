"""A witness over HTTP: the site itself, the app of its own, the command as a process."""

import contextlib
import json
import os
import signal
import socket
import stat
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
import requests
from django.conf import settings
from django.core.management import CommandError, call_command

from ledger.checkpoint import parse_and_verify
from ledger.cosignature import cosignatures, cosignatures_in
from ledger.models import WitnessState
from ledger.note import COSIGNATURE_TYPE, ED25519_TYPE
from ledger.policy import Party, format_policy, k_of_n, parse_policy
from ledger.site import log_signer, origin, witness_name, witness_signer
from ledger.verifier_key import VerifierKey, parse_verifier_key
from ledger.witnessing.client import WitnessClient
from ledger.witnessing.folder import WitnessFolder
from ledger.witnessing.wsgi import WitnessApp
from tests.ledger.process import Process, start
from tests.ledger.serving import served
from tests.ledger.test_witness import NAME, REFUSED, Log, asks, at_once, text_of
from tests.ledger.values import signer

LOG = Log()


def policy_of(*logs: Log) -> str:
    return format_policy(
        k_of_n(tuple(Party(log.origin, log.key) for log in logs), (), 0)
    )


@dataclass(frozen=True)
class Door:
    """Where a witness is to be had, with the key that its cosignatures show."""

    prefix: str
    key: VerifierKey

    def post(self, body: bytes, **more: Any) -> requests.Response:
        return requests.post(
            f"{self.prefix}/add-checkpoint", data=body, timeout=20, **more
        )

    def get(self, path: str) -> requests.Response:
        return requests.get(f"{self.prefix}/{path}", timeout=20, allow_redirects=False)

    def held(self, log: Log = LOG) -> requests.Response:
        return self.get(f"{log.origin_hash}/checkpoint")


@pytest.fixture
def site(committed_db, static_files, tmp_path) -> Iterator[Door]:
    settings.LEDGER_POLICY = tmp_path / "policy"
    settings.LEDGER_POLICY.write_text(policy_of(LOG))
    key = VerifierKey(witness_name(), witness_signer().public_key, COSIGNATURE_TYPE)
    # Not before its static files are there: it looks for them at once.
    from portal.wsgi import application

    with served(application) as url:
        yield Door(f"{url}/ledger/witness", key)


@pytest.fixture
def app(tmp_path) -> Iterator[Door]:
    folder = WitnessFolder(tmp_path / "witness", name=NAME)
    policy = parse_policy(policy_of(LOG))
    with served(WitnessApp(folder, policy, seen=lambda: None)) as url:
        yield Door(url, folder.key)


@pytest.fixture(params=["site", "app"])
def door(request) -> Door:
    found: Door = request.getfixturevalue(request.param)
    return found


@pytest.fixture(autouse=True)
def policy_kept() -> Iterator[None]:
    known = settings.LEDGER_POLICY
    yield
    settings.LEDGER_POLICY = known


# Both servers


def test_a_log_is_cosigned_as_it_grows(door: Door):
    old = 0
    for size in (5, 5, 9, 30):
        answer = door.post(LOG.asks(old, size))
        assert answer.status_code == 200
        assert answer.headers["Content-Type"].startswith("text/plain")
        text = text_of(LOG.note(size))
        (said,) = cosignatures_in(answer.content.decode(), text, [door.key])
        assert abs(said.time - time.time()) < 60
        old = size


def test_what_was_cosigned_last_is_served_with_both_signatures(door: Door):
    assert door.held().status_code == 404
    answer = door.post(LOG.asks(0, 5))
    served_note = door.held()
    assert served_note.status_code == 200
    note = served_note.content.decode()
    key = LOG.signer.public_key
    assert parse_and_verify(note, origin=LOG.origin, public_key=key) == LOG.checkpoint(
        5
    )
    (said,) = cosignatures(note, [door.key])
    assert said.line == answer.content.decode()


@pytest.mark.slow
def test_every_refusal_has_its_status_and_changes_nothing(door: Door):
    for old, size in ((0, 2), (2, 5)):
        assert door.post(LOG.asks(old, size)).status_code == 200
    before = door.held().content
    for status, bodies in REFUSED.items():
        some = dict(list(bodies.items())[::3])
        answered = {name: door.post(some[name](LOG)).status_code for name in some}
        assert answered == dict.fromkeys(some, status)
    assert door.held().content == before
    assert door.post(LOG.asks(5, 9)).status_code == 200


def test_the_size_it_stands_at_has_a_type_of_its_own(door: Door):
    for expected, size in ((b"0\n", 5), (b"5\n", 9)):
        conflict = door.post(LOG.asks(3, size))
        assert (conflict.status_code, conflict.content) == (409, expected)
        assert conflict.headers["Content-Type"] == "text/x.tlog.size"
        door.post(LOG.asks(0, 5))


def test_a_client_that_has_forgotten_finds_out_and_goes_on(door: Door):
    for cosigned, size in ((0, 5), (0, 9), (2, 12), (15, 20)):
        client = WitnessClient(key=door.key, url=door.prefix, cosigned=cosigned)
        said = client.cosign(
            LOG.checkpoint(size),
            LOG.note(size),
            lambda old, size=size: LOG.path(old, size),  # type: ignore[misc] # bound
        )
        assert said.name == door.key.name
        assert client.latest(LOG.origin) == LOG.note(size) + said.line


def test_a_checkpoint_is_posted_and_everything_else_is_got(door: Door):
    assert door.get("add-checkpoint").status_code == 405
    url = f"{door.prefix}/{LOG.origin_hash}/checkpoint"
    # The site asks for its token before it looks at the method.
    assert requests.post(url, data=LOG.asks(0, 5), timeout=20).status_code in {403, 405}
    assert door.held().status_code == 404


def test_elsewhere_there_is_nothing(door: Door):
    door.post(LOG.asks(0, 5))
    for path in (
        "", "nothing", "checkpoint", LOG.origin_hash, f"{LOG.origin_hash}/nothing",
        f"{LOG.origin_hash}/checkpoint/more", f"{'0' * 64}/checkpoint",
        f"{LOG.origin_hash.upper()}/checkpoint", f"{LOG.origin}/checkpoint",
        f"{'0' * 64}/evidence", "../checkpoint",
    ):  # fmt: skip
        assert door.get(path).status_code == 404, path


@pytest.mark.slow
def test_many_at_once_are_cosigned_without_a_step_back(door: Door):
    def submit(number: int) -> list[tuple[int, int]]:
        old, size = 0, 3 + number * 4
        while old < size:
            answer = door.post(LOG.asks(old, size))
            if answer.status_code == 200:
                return [(old, size)]
            assert answer.status_code == 409
            old = int(answer.content)
        return []

    moves = sorted(move for found in at_once(submit, 8) for move in found)
    assert [old for old, _ in moves] == [0, *(new for _, new in moves[:-1])]
    assert moves[-1][1] == 31
    note = door.held().content.decode()
    assert note.startswith(text_of(LOG.note(31)))


# The site alone


def test_no_cookie_and_no_token_is_asked_for_nor_any_page_s_origin(site: Door):
    browser = requests.Session()
    browser.get(site.prefix.replace("/ledger/witness", "/accounts/login/"), timeout=20)
    browser.headers["Origin"] = "https://elsewhere.example"
    answer = browser.post(
        f"{site.prefix}/add-checkpoint", data=LOG.asks(0, 5), timeout=20
    )
    assert answer.status_code == 200
    assert "Set-Cookie" not in answer.headers


def test_the_site_does_not_cosign_its_own_log(site: Door):
    own = Log(origin(), signer=log_signer())  # type: ignore[arg-type] # the same kind
    settings.LEDGER_POLICY.write_text(policy_of(LOG, own))
    assert site.post(own.asks(0, 5)).status_code == 404
    assert not WitnessState.objects.exists()


def test_the_site_s_policy_counts_from_the_next_request(site: Door):
    other = Log("other.example", signer=signer(41))
    assert site.post(other.asks(0, 5)).status_code == 404
    settings.LEDGER_POLICY.write_text(policy_of(LOG, other))
    assert site.post(other.asks(0, 5)).status_code == 200
    settings.LEDGER_POLICY.unlink()
    assert site.post(other.asks(5, 9)).status_code == 404
    settings.LEDGER_POLICY.write_text(policy_of(other))
    assert site.post(other.asks(5, 9)).status_code == 200


def test_a_policy_that_cannot_be_read_is_no_failure_of_the_server(site: Door):
    site.post(LOG.asks(0, 5))
    settings.LEDGER_POLICY.write_text("nonsense\n")
    assert site.post(LOG.asks(5, 9)).status_code in {404, 503}
    assert site.held().status_code in {200, 404, 503}


# The app alone


def test_two_histories_are_shown_to_whoever_asks(app: Door):
    assert app.get(f"{LOG.origin_hash}/evidence").json() == []
    app.post(LOG.asks(0, 5))
    other = LOG.forked(3)
    for _ in range(2):
        assert app.post(other.asks(5, 5)).status_code == 422
    shown = app.get(f"{LOG.origin_hash}/evidence")
    assert shown.headers["Content-Type"] == "application/json"
    ((first, second),) = json.loads(shown.content)
    found = {
        parse_and_verify(note, origin=LOG.origin, public_key=LOG.signer.public_key)
        for note in (first, second)
    }
    assert found == {LOG.checkpoint(5), other.checkpoint(5)}


def test_whoever_waits_for_news_is_told_of_what_was_cosigned_alone(tmp_path):
    news: list[int] = []
    folder = WitnessFolder(tmp_path, name=NAME)
    watched = WitnessApp(
        folder, parse_policy(policy_of(LOG)), seen=lambda: news.append(1)
    )
    with served(watched) as url:
        door = Door(url, folder.key)
        door.post(LOG.asks(3, 5))
        door.post(b"nonsense")
        door.held()
        assert news == []
        door.post(LOG.asks(0, 5))
    assert news == [1]


class OneBody(BytesIO):
    """A connection that stays open: whoever reads on waits for ever."""

    def read(self, size: int | None = -1) -> bytes:
        left = len(self.getbuffer()) - self.tell()
        assert size is not None
        assert 0 <= size <= left, "read beyond the body"
        return super().read(size)


def test_the_app_reads_no_more_than_was_sent(tmp_path):
    folder = WitnessFolder(tmp_path, name=NAME)
    app = WitnessApp(folder, parse_policy(policy_of(LOG)), seen=lambda: None)
    body = LOG.asks(0, 5)
    environ = {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": "/add-checkpoint",
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.input": OneBody(body),
    }
    assert app.answer(environ).status == 200
    for length in ("", "-1", "many", "1.5"):
        empty = {**environ, "CONTENT_LENGTH": length, "wsgi.input": OneBody(body)}
        assert app.answer(empty).status == 400


# The command

Run = Callable[..., Process]


@pytest.fixture
def run() -> Iterator[Run]:
    """Runs the command in processes, none of which outlives the test."""
    processes: list[Process] = []

    def run_one(*words: object) -> Process:
        # No database of this name is there: a witness needs none.
        processes.append(start("nowhere", "web", "witness", *map(str, words)))
        return processes[-1]

    yield run_one
    for process in processes:
        kill(process)
        process.popen.communicate()


def kill(process: Process) -> None:
    """SIGKILL, the worker too, as when the machine goes down."""
    for pid in [*children_of(process.popen.pid), process.popen.pid]:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    process.popen.wait(timeout=20)


def children_of(pid: int) -> Iterator[int]:
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            _, parent = path.read_text().rpartition(")")[2].split()[:2]
            if int(parent) == pid:
                yield int(path.parent.name)


def output(process: Process) -> tuple[str, int]:
    said, _ = process.popen.communicate(timeout=60)
    return said, process.popen.returncode


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass(frozen=True)
class Place:
    """A witness's folder with its policy, not running yet."""

    folder: Path
    policy: Path

    def started(self, run: Run) -> tuple[Process, Door]:
        port = free_port()
        process = run(
            self.folder, "--policy", self.policy, "--bind", f"127.0.0.1:{port}"
        )
        assert process.says("witnesses at").endswith(f"http://127.0.0.1:{port}\n")
        while not is_open(port):
            assert process.popen.poll() is None
            time.sleep(0.02)
        return process, Door(f"http://127.0.0.1:{port}", self.key)

    @property
    def key(self) -> VerifierKey:
        return WitnessFolder(self.folder).key


def is_open(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture
def place(tmp_path) -> Place:
    policy = tmp_path / "policy"
    policy.write_text(policy_of(LOG))
    WitnessFolder(tmp_path / "witness", name=NAME)
    return Place(tmp_path / "witness", policy)


@pytest.mark.slow
@pytest.mark.timeout(120)
def test_the_command_makes_keys_that_nobody_else_can_read(run: Run, tmp_path):
    folder = tmp_path / "deep" / "witness"
    said, status = output(run(folder, "--name", NAME, "--keys"))
    assert status == 0
    first, second = said.splitlines()
    key = parse_verifier_key(
        first.removeprefix("witness "), signature_type=COSIGNATURE_TYPE
    )
    mirror = parse_verifier_key(
        second.removeprefix("mirror "), signature_type=ED25519_TYPE
    )
    assert (key.name, mirror.name) == (NAME, f"{NAME}/mirror")
    assert key.raw != mirror.raw
    for name in ("key", "mirror-key"):
        mode = (folder / name).stat().st_mode
        assert stat.S_IMODE(mode) == 0o600
        assert bytes.fromhex((folder / name).read_text()) not in (key.raw, mirror.raw)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert output(run(folder, "--keys")) == (said, 0)
    assert output(run(folder, "--name", NAME, "--keys")) == (said, 0)


def another_name(place: Place) -> list[object]:
    return [place.folder, "--name", "w2.example", "--policy", place.policy]


def no_name(place: Place) -> list[object]:
    return [place.folder.with_name("new"), "--policy", place.policy]


def bad_name(place: Place) -> list[object]:
    return [place.folder.with_name("new"), "--name", "two words"]


def no_policy(place: Place) -> list[object]:
    return [place.folder]


def missing_policy(place: Place) -> list[object]:
    return [place.folder, "--policy", place.policy.with_name("missing")]


def policy_without_log(place: Place) -> list[object]:
    place.policy.write_text("quorum none\n")
    return [place.folder, "--policy", place.policy]


def wrong_policy(place: Place) -> list[object]:
    place.policy.write_text("# a comment\nnonsense\n")
    return [place.folder, "--policy", place.policy]


def open_key(place: Place) -> list[object]:
    (place.folder / "key").chmod(0o640)
    return [place.folder, "--policy", place.policy]


def open_mirror_key(place: Place) -> list[object]:
    (place.folder / "mirror-key").chmod(0o604)
    return [place.folder, "--keys"]


def broken_key(place: Place) -> list[object]:
    (place.folder / "key").write_text("")
    return [place.folder, "--keys"]


def a_file_in_its_place(place: Place) -> list[object]:
    return [place.policy, "--name", "w2.example", "--keys"]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (another_name, f"is called {NAME}."),
        (no_name, "give it a name."),
        (bad_name, "no spaces, no plus, not empty."),
        (no_policy, "Name a policy file that is there: --policy FILE."),
        (missing_policy, "Name a policy file that is there: --policy FILE."),
        (policy_without_log, "names no log, so there is nothing to witness."),
        (wrong_policy, "Line 2 of the policy"),
        (open_key, "/key. Run: chmod 600 "),
        (open_mirror_key, "/mirror-key. Run: chmod 600 "),
        (broken_key, "is no key: 64 hexadecimal digits."),
        pytest.param(a_file_in_its_place, ""),
    ],
)
def test_the_command_refuses_in_a_sentence(
    place: Place, words: Callable[[Place], list[object]], sentence: str
):
    with pytest.raises(CommandError) as refused:
        call_command("witness", *map(str, words(place)))
    assert sentence in str(refused.value)
    assert len(str(refused.value).splitlines()) == 1


@pytest.mark.slow
@pytest.mark.timeout(120)
def test_the_process_says_it_without_a_traceback(run: Run, place: Place):
    said, status = output(run(*open_key(place)))
    assert status == 1
    assert said.startswith("CommandError: Others on this machine can read")
    assert len(said.splitlines()) == 1


@pytest.mark.slow
@pytest.mark.timeout(120)
def test_a_port_that_is_taken_ends_the_command_without_a_traceback(
    run: Run, place: Place
):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        bind = f"127.0.0.1:{taken.getsockname()[1]}"
        said, status = output(
            run(place.folder, "--policy", place.policy, "--bind", bind)
        )
    assert status == 1
    assert "in use" in said
    assert "Traceback" not in said


@pytest.mark.slow
@pytest.mark.timeout(120)
def test_the_process_cosigns_and_stops_when_it_is_told_to(run: Run, place: Place):
    process, door = place.started(run)
    answer = door.post(LOG.asks(0, 5))
    assert answer.status_code == 200
    text = text_of(LOG.note(5))
    assert cosignatures_in(answer.content.decode(), text, [door.key])
    assert door.post(LOG.forked(3).asks(5, 5)).status_code == 422
    assert len(door.get(f"{LOG.origin_hash}/evidence").json()) == 1
    assert door.get("nothing").status_code == 404
    assert process.stop(signal.SIGTERM) == 0


@pytest.mark.slow
@pytest.mark.timeout(120)
def test_a_policy_may_hold_comments_that_are_not_utf_8(run: Run, place: Place):
    place.policy.write_bytes(b"# caf\xe9\n" + policy_of(LOG).encode())
    _, door = place.started(run)
    assert door.post(LOG.asks(0, 5)).status_code == 200


@pytest.mark.slow
@pytest.mark.timeout(120)
def test_killed_under_load_it_has_forgotten_nothing_that_it_cosigned(
    run: Run, place: Place
):
    process, door = place.started(run)
    cosigned, enough = [0], threading.Event()

    def submit() -> None:
        """One size after another, the same one again at the end, until it is gone."""
        while True:
            old, size = cosigned[-1], min(cosigned[-1] + 1, len(LOG.leaves))
            try:
                answer = door.post(LOG.asks(old, size))
            except requests.RequestException:
                return
            assert answer.status_code == 200
            cosigned.append(size)
            if size >= 12:
                enough.set()

    log = threading.Thread(target=submit)
    log.start()
    assert enough.wait(timeout=60)
    kill(process)
    log.join(timeout=60)
    process, door = place.started(run)
    stands = door.post(asks(0, LOG.note(40)))
    assert stands.status_code == 409
    # What was kept but not answered any more is one further at most.
    assert cosigned[-1] <= int(stands.content) <= cosigned[-1] + 1
    size = int(stands.content)
    assert door.held().text.startswith(text_of(LOG.note(size)))
    other = LOG.forked(0)
    assert door.post(other.asks(0, 5)).status_code == 409
    assert door.post(other.asks(size, 40)).status_code == 422
    assert door.post(LOG.asks(size, 40)).status_code == 200
