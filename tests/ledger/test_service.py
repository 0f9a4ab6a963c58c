"""The sequencer as a process: it stops cleanly and comes back from everything."""

import signal
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from queue import SimpleQueue
from threading import Event

import pytest
from django.db import connection

from ledger.certifying import Promise
from ledger.history import progress
from ledger.sequencer import Sequencer
from ledger.service import Connection, Service
from ledger.site import log_signer, origin
from tests.ledger.process import Process, start
from tests.ledger.test_witness import Log
from tests.ledger.world import World

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]

Start = Callable[[], Process]


@pytest.fixture
def started(world: World) -> Iterator[Start]:
    """Starts sequencer processes, none of which outlives the test."""
    processes: list[Process] = []

    def start_one() -> Process:
        processes.append(start(world.database, "sequencer", "run_sequencer"))
        return processes[-1]

    yield start_one
    for process in processes:
        process.popen.kill()
        process.popen.communicate()


def wait_until_sequenced(ids: list[bytes]) -> None:
    while any(known.state == "accepted" for known in progress(ids).values()):
        time.sleep(0.02)


def wait_until_certified(world: World, size: int) -> None:
    while world.inspect().certified < size:
        time.sleep(0.02)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_enters_what_is_queued_until_it_is_told_to_stop(world, started, number):
    process = started()
    process.says("at work; the log holds 0 entries")
    wait_until_sequenced(world.queue(3))
    wait_until_certified(world, 3)
    assert process.stop(number) == 0
    assert process.says("has stopped")


def test_a_second_one_waits_for_its_turn(world, started):
    first = started()
    first.says("at work")
    second = started()
    second.says("Another sequencer is at work; this one waits for its turn.")
    wait_until_sequenced(world.queue(2))
    first.stop(signal.SIGKILL)
    second.says("at work")
    wait_until_sequenced(world.queue(2))
    assert second.stop(signal.SIGTERM) == 0
    assert world.inspect().entries == 4


def test_killed_again_and_again_under_load_it_loses_nothing(world, started):
    ids: list[bytes] = []
    for pause in (0.0, 0.01, 0.05, 0.1):
        process = started()
        process.says("at work")
        ids += world.queue(100)
        time.sleep(pause)
        process.stop(signal.SIGKILL)
    started().says("at work")
    wait_until_sequenced(ids)
    wait_until_certified(world, 400)
    assert world.inspect().fault is None
    assert sorted(known.seq or 0 for known in progress(ids).values()) == list(
        range(400)
    )


def test_it_comes_back_when_the_database_has_been_away(world, started):
    process = started()
    process.says("at work")
    wait_until_sequenced(world.queue(2))
    with world.superuser() as superuser:
        superuser.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE application_name = 'anamnesis-sequencer'"
            " AND datname = current_database()"
        )
    process.says("The database does not answer, trying again")
    process.says("at work; the log holds 2 entries")
    wait_until_sequenced(world.queue(2))
    assert process.stop(signal.SIGTERM) == 0


def test_it_waits_with_a_sentence_while_the_log_is_damaged(world, started):
    world.sequence(3)
    world.attack("CREATE TABLE safe AS SELECT * FROM ledger.entry WHERE seq = 2")
    world.attack("DELETE FROM ledger.entry WHERE seq = 2")
    world.queue()
    process = started()
    process.says("The log has signed 3 entries and holds 2. Nothing is appended")
    assert world.count("entry") == 2
    world.attack("INSERT INTO ledger.entry (seq, bytes) SELECT seq, bytes FROM safe")
    process.says("at work; the log holds 3 entries")
    wait_until_certified(world, 4)
    assert process.stop(signal.SIGTERM) == 0


def test_a_login_without_the_rights_is_told_in_a_sentence(world):
    world.queue()
    process = start(world.database, "web", "run_sequencer")
    line = process.says("The sequencer waits")
    assert "permission denied" in line
    assert process.stop(signal.SIGTERM) == 0
    process.popen.communicate()


@pytest.mark.slow
@pytest.mark.timeout(60)
def test_what_a_witness_shows_late_stops_it_though_the_witness_falls_silent(
    world: World,
):
    """Nobody repeats it: `promises` has nothing to say."""
    world.sequence(3)
    fork = Log(origin(), signer=log_signer())  # type: ignore[arg-type] # the same kind
    late: SimpleQueue[Promise] = SimpleQueue()
    stop, said, begun = Event(), list[str](), list[bool]()

    def sequencer(login: Connection, beside: Connection) -> Sequencer:
        begun.append(True)
        return world.sequencer(login)

    service = Service(
        connect=lambda: world.connect("sequencer"),
        sequencer=sequencer,
        promises=list,
        late=late,
        stop=stop,
        say=said.append,
    )
    with ThreadPoolExecutor(1) as pool:
        ended = pool.submit(run_in_thread, service)
        try:
            late.put(Promise("alder.example", fork.note(3)))
            until(lambda: any("holds another root" in sentence for sentence in said))
            (waiting,) = world.queue(1)
            tries = len(begun)
            until(lambda: len(begun) >= tries + 3)
            assert progress([waiting])[waiting].state == "accepted"
        finally:
            stop.set()
        ended.result(timeout=30)


def run_in_thread(service: Service) -> None:
    try:
        service.run()
    finally:
        connection.close()  # the thread's own, by which it read the log's key


def until(holds: Callable[[], bool]) -> None:
    while not holds():
        time.sleep(0.02)
