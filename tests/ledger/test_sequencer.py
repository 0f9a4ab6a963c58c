"""The sequencer: no gap, no fork, nothing lost, wherever it is stopped."""

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest
from django.db import connections, transaction

from ledger import certifying
from ledger import sequencer as sequencing
from ledger.certifying import Certifier
from ledger.checkpoint import parse_and_verify
from ledger.encoding import decode_entry, log_id, signed_bytes
from ledger.errors import LedgerDamaged, LedgerError
from ledger.history import progress
from ledger.sequencer import Sequencer
from ledger.service import Connection
from ledger.signing import is_signed_by
from ledger.site import head_guard, log_signer, origin
from tests.ledger.values import signer
from tests.ledger.world import World


def test_a_batch_becomes_entries_in_the_order_of_the_inbox(world: World):
    ids = world.queue(5)
    world.sequence()
    rows = world.rows("SELECT bytes FROM ledger.entry ORDER BY seq")
    entries = [decode_entry(data) for (data,) in rows]
    assert [entry.statement.statement_id for entry in entries] == ids
    assert [entry.seq for entry in entries] == [0, 1, 2, 3, 4]
    assert world.count("inbox") == 0
    assert world.inspect().certified == 5


def test_the_author_s_signature_goes_with_the_entry(world: World):
    world.sequence(1)
    ((data,),) = world.rows("SELECT bytes FROM ledger.entry")
    statement = data[70:-67]
    assert is_signed_by(
        world.author.public_key,
        message=signed_bytes(log_id(origin()), statement),
        signature=decode_entry(data).signature,
    )


def test_every_batch_ends_in_a_checkpoint(world: World):
    world.sequence(3, 1, 4)
    sizes = world.rows("SELECT size FROM ledger.checkpoint ORDER BY size")
    assert sizes == [(3,), (4,), (8,)]
    assert world.inspect().checkpoints == 3


def test_a_long_queue_is_taken_in_batches(world: World, monkeypatch):
    monkeypatch.setattr(sequencing, "BATCH", 4)
    monkeypatch.setattr(certifying, "CHUNK", 3)
    world.sequence(11)
    sizes = world.rows("SELECT size FROM ledger.checkpoint ORDER BY size")
    assert sizes == [(4,), (8,), (11,)]
    world.sequence(1)
    assert world.inspect().certified == 12


def test_an_empty_inbox_changes_nothing(world: World):
    with world.connect("sequencer") as login:
        sequencer = world.sequencer(login)
        sequencer.resume()
        assert sequencer.step() == 0
    assert (world.count("entry"), world.count("checkpoint")) == (0, 0)


def test_time_never_goes_back_even_if_the_clock_does(world: World):
    clock = iter([2_000, 1_000, 3_000])
    with world.connect("sequencer") as login:
        sequencer = world.sequencer(login, clock=lambda: next(clock))
        sequencer.resume()
        for _ in range(3):
            world.queue()
            sequencer.step()
    times = world.rows("SELECT ts_ms FROM ledger.entry ORDER BY seq")
    assert times == [(2_000,), (2_000,), (3_000,)]


def test_a_statement_that_commits_late_is_not_passed_over(world: World):
    """Ids are drawn before they commit: a sequencer that pages by id loses one."""
    with world.connect("web") as login, world.connect("sequencer") as runner:
        sequencer = world.sequencer(runner)
        sequencer.resume()
        with login.transaction():
            late = queue_through(world, login)
            early = world.queue()
            assert sequencer.step() == 1
        assert sequencer.step() == 1
    known = progress([late, *early])
    assert (known[early[0]].seq, known[late].seq) == (0, 1)


def queue_through(world: World, login: Connection) -> bytes:
    """Queue on another connection than Django's, in its open transaction."""
    with transaction.atomic():
        statement_id = world.append()
        row = world.rows(
            "SELECT log_id, statement_id, statement, signature FROM ledger.inbox"
        )[0]
        transaction.set_rollback(True)
    login.execute(
        "INSERT INTO ledger.inbox (log_id, statement_id, statement, signature)"
        " VALUES (%s, %s, %s, %s)",
        row,
    )
    return statement_id


def replay(world: World) -> None:
    """Queue the first entry's statement once more."""
    with world.connect("web") as login:
        login.execute(
            "INSERT INTO ledger.inbox (log_id, statement_id, statement, signature)"
            " SELECT substring(bytes from 5 for 16), statement_id,"
            " substring(bytes from 71 for octet_length(bytes) - 137),"
            " substring(bytes from octet_length(bytes) - 63) FROM ledger.entry"
            " WHERE seq = 0"
        )


def test_a_replayed_statement_is_set_aside_without_stopping_the_log(world: World):
    world.sequence(2)
    replay(world)
    world.sequence(1)
    assert world.count("entry") == 3
    assert world.rows("SELECT reason FROM ledger.refused") == [
        ("The statement is already on the log.",)
    ]
    assert world.inspect().fault is None


def test_a_statement_of_an_unknown_kind_is_set_aside(world: World):
    with world.connect("web") as login:
        login.execute(
            "INSERT INTO ledger.inbox (log_id, statement_id, statement, signature)"
            " VALUES (ledger.log_id(), %s, %s, %s)",
            [bytes(16), bytes(185), bytes(64)],
        )
    world.sequence(1)
    ((reason,),) = world.rows("SELECT reason FROM ledger.refused")
    assert "Kind 0" in reason
    assert (world.count("entry"), world.count("inbox")) == (1, 0)


def test_a_statement_for_another_log_never_enters_the_inbox(world: World, settings):
    settings.LEDGER_ORIGIN = "other.example/log"
    with pytest.raises(Exception, match="inbox_of_this_log"):
        world.queue()


def test_a_database_of_another_log_is_refused(world: World):
    with world.connect("sequencer") as login:
        certifier = Certifier(
            login, origin="other.example/log", signer=signer(), guard=head_guard()
        )
        other = Sequencer(login, origin="other.example/log", certifier=certifier)
        with pytest.raises(LedgerError, match="The database holds the log"):
            other.resume()


class Killed(Exception):
    """The process died here."""


class DyingConnection(psycopg.Connection[Any]):
    """Dies for good before its n-th statement, as a killed process's would."""

    lives: int

    def execute(self, *args: Any, **kwargs: Any) -> Any:
        self.lives -= 1
        if self.lives < 0:
            self.close()
            raise Killed
        return super().execute(*args, **kwargs)


def run_until_killed(world: World, lives: int) -> bool:
    """Run one sequencer; True where it outlived its work."""
    with world.connect_as(DyingConnection, "sequencer") as login:
        login.lives = lives
        try:
            sequencer = world.sequencer(login)
            sequencer.resume()
            while sequencer.step():
                pass
        except Killed:
            return False
        return True


def test_killed_before_any_statement_it_sends_it_takes_up_where_it_was(world: World):
    world.sequence(2)
    size, lives, finished = 2, 0, False
    while not finished:
        ids = world.queue(3)
        finished = run_until_killed(world, lives)
        world.sequence()
        size, lives = size + 3, lives + 1
        assert {known.state for known in progress(ids).values()} == {"sequenced"}
        report = world.inspect()
        assert report.fault is None
        assert report.entries == report.certified == size
    assert lives > 10


def test_killed_between_entries_and_checkpoint_the_next_one_signs(world: World):
    world.queue(3)
    with world.connect("sequencer") as login:
        sequencer = world.sequencer(login)
        sequencer.resume()
        assert sequencer.append_batch() == 3
    assert world.count("checkpoint") == 0
    world.sequence()
    assert world.inspect().certified == 3


def test_two_sequencers_and_many_writers_leave_no_gap_and_no_fork(world: World):
    writers, each = 6, 25
    written = threading.Event()

    def write() -> None:
        world.queue(each)
        connections.close_all()

    def sequence(login: Connection) -> None:
        sequencer = world.sequencer(login)
        connections.close_all()
        sequencer.resume()
        while not written.is_set() or is_queued(login):
            sequencer.step()

    with (
        world.connect("sequencer") as one,
        world.connect("sequencer") as two,
        ThreadPoolExecutor(writers + 2) as pool,
    ):
        runners = [pool.submit(sequence, login) for login in (one, two)]
        for writer in [pool.submit(write) for _ in range(writers)]:
            writer.result(timeout=60)
        written.set()
        for runner in runners:
            runner.result(timeout=60)
    report = world.inspect()
    assert report.fault is None
    assert report.entries == report.certified == writers * each
    assert world.count("inbox") == 0


def is_queued(login: Connection) -> bool:
    return login.execute("SELECT FROM ledger.inbox LIMIT 1").fetchone() is not None


@pytest.mark.parametrize(
    ("attack", "sentence"),
    [
        ("DELETE FROM ledger.entry WHERE seq >= 3", "has signed 5 entries and holds 3"),
        ("DELETE FROM ledger.entry WHERE seq = 1", "Entry 1 is missing"),
        ("TRUNCATE ledger.entry", "holds 0"),
        ("UPDATE ledger.entry SET bytes = bytes || '\\x00' WHERE seq = 4", "not those"),
        ("UPDATE ledger.checkpoint SET note = 'nothing'", "no signatures"),
    ],
)
def test_nothing_is_appended_to_a_log_that_lost_what_it_signed(
    world: World, attack, sentence
):
    world.sequence(5)
    world.attack(attack)
    held = world.count("entry")
    with pytest.raises(LedgerError, match=sentence):
        world.sequence(1)
    assert world.count("entry") == held
    assert world.count("inbox") == 0


def test_a_log_shortened_under_a_running_sequencer_is_not_appended_to(world: World):
    with world.connect("sequencer") as login:
        sequencer = world.sequencer(login)
        sequencer.resume()
        world.queue(3)
        sequencer.step()
        world.attack("DELETE FROM ledger.entry WHERE seq = 2")
        world.queue()
        with pytest.raises(LedgerDamaged, match="ends at 2"):
            sequencer.step()
    assert (world.count("entry"), world.count("inbox")) == (2, 1)


def test_an_entry_changed_before_it_is_certified_is_never_signed(world: World):
    with world.connect("sequencer") as login:
        sequencer = world.sequencer(login)
        sequencer.resume()
        world.queue(3)
        sequencer.append_batch()
        world.attack("UPDATE ledger.entry SET bytes = bytes || '\\x00' WHERE seq = 2")
        with pytest.raises(LedgerDamaged, match="Entry 2 is not what was written"):
            sequencer.certify()
    assert world.count("checkpoint") == 0


def test_an_entry_that_does_not_continue_the_chain_is_never_signed(world: World):
    world.queue(3)
    with world.connect("sequencer") as login:
        sequencer = world.sequencer(login)
        sequencer.resume()
        sequencer.append_batch()
    world.attack(
        "UPDATE ledger.entry SET bytes = overlay(bytes placing sha256('') from 29)"
        " WHERE seq = 1"
    )
    with pytest.raises(LedgerDamaged, match="Entry 1 does not continue the chain"):
        world.sequence()


def test_another_root_for_a_size_that_was_signed_is_a_fork(world: World):
    with world.connect("sequencer") as login:
        sequencer = world.sequencer(login)
        sequencer.resume()
        world.queue(3)
        sequencer.append_batch()
        world.attack(
            "INSERT INTO ledger.checkpoint (log_id, size, root, note)"
            " VALUES (ledger.log_id(), 3, sha256('fork'), 'fork')"
        )
        with pytest.raises(LedgerDamaged, match="a fork"):
            sequencer.certify()


def test_the_checkpoint_is_signed_with_the_log_s_key(world: World):
    world.sequence(1)
    ((note,),) = world.rows("SELECT note FROM ledger.checkpoint")
    public_key = log_signer().public_key
    assert parse_and_verify(note, origin=origin(), public_key=public_key).size == 1
