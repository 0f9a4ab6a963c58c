"""Every way to change a log is found, by its sequence number."""

import pytest

from ledger.checkpoint import Checkpoint, sign
from ledger.encoding import decode_entry, encode_entry
from ledger.entry_checks import Fault
from ledger.hashing import leaf_hash
from ledger.inspection import Ask, Inspector
from ledger.inspection_rows import extent, one_snapshot, spans
from ledger.merkle import root
from ledger.site import log_signer, origin
from tests.ledger.values import signer
from tests.ledger.world import FREEZE, World

# Six entries under checkpoints at 2, 5 and 6.
BATCHES = (2, 3, 1)


@pytest.fixture
def log(world: World) -> World:
    world.sequence(*BATCHES)
    return world


def fault_of(log: World) -> Fault:
    fault = log.inspect().fault
    assert fault is not None
    return fault


def changed_tenant(seq: int) -> str:
    """A body changed, with the columns and its hash following by themselves."""
    return (
        "UPDATE ledger.entry SET bytes = overlay(bytes placing int4send(99) from 87)"
        f" WHERE seq = {seq}"
    )


def test_an_intact_log_is_counted(log: World):
    report = log.inspect()
    assert report.fault is None
    assert (report.entries, report.certified, report.checkpoints) == (6, 6, 3)


def test_an_empty_log_is_intact(world: World):
    assert world.inspect().fault is None


def test_entries_that_await_their_checkpoint_are_intact(log: World):
    log.queue(2)
    with log.connect("sequencer") as login:
        sequencer = log.sequencer(login)
        sequencer.resume()
        sequencer.append_batch()
    report = log.inspect()
    assert report.fault is None
    assert (report.entries, report.certified) == (8, 6)


@pytest.mark.parametrize("seq", range(6))
def test_an_edited_row_is_found(log: World, seq: int):
    log.attack(changed_tenant(seq))
    assert fault_of(log).seq == seq


@pytest.mark.parametrize("seq", [0, 3, 5])
def test_a_body_changed_with_its_columns_kept_is_found(log: World, seq: int):
    log.attack(FREEZE, changed_tenant(seq))
    fault = fault_of(log)
    assert fault == Fault(seq, f"Entry {seq} holds another tenant than was hashed.")


@pytest.mark.parametrize(
    "column",
    [
        "previous_hash = sha256('')",
        "ts_ms = 1",
        "statement_id = '\\x00'",
        "tenant = 1",
        "kind = 1",
        "cid = '\\x01'",
    ],
)
def test_a_column_changed_with_its_body_kept_is_found(log: World, column: str):
    log.attack(FREEZE, f"UPDATE ledger.entry SET {column} WHERE seq = 3")
    assert fault_of(log).seq == 3


def test_a_hash_kept_over_a_changed_body_is_found(log: World):
    log.attack(
        "ALTER TABLE ledger.entry ALTER leaf_hash DROP EXPRESSION", changed_tenant(3)
    )
    assert fault_of(log) == Fault(3, "Entry 3 does not have the hash in its row.")


def test_bytes_that_are_no_entry_are_found(log: World):
    log.attack("UPDATE ledger.entry SET bytes = bytes || '\\x00' WHERE seq = 4")
    fault = fault_of(log)
    assert fault.seq == 4
    assert "cannot be read" in fault.sentence


@pytest.mark.parametrize("seq", range(5))
def test_a_removed_row_is_found(log: World, seq: int):
    log.attack(f"DELETE FROM ledger.entry WHERE seq = {seq}")
    assert fault_of(log) == Fault(seq, f"Entry {seq} is missing.")


@pytest.mark.parametrize("seq", range(1, 6))
def test_a_removed_tail_is_found(log: World, seq: int):
    log.attack(f"DELETE FROM ledger.entry WHERE seq >= {seq}")
    fault = fault_of(log)
    assert fault.seq == seq
    assert "is missing" in fault.sentence


def test_a_truncated_log_is_found(log: World):
    log.attack("TRUNCATE ledger.entry")
    assert fault_of(log).seq == 0


def test_two_swapped_rows_are_found(log: World):
    log.attack(
        "UPDATE ledger.entry SET seq = 100 WHERE seq = 1",
        "UPDATE ledger.entry SET seq = 1 WHERE seq = 3",
        "UPDATE ledger.entry SET seq = 3 WHERE seq = 100",
    )
    assert fault_of(log) == Fault(1, "Entry 1 holds another seq than was hashed.")


def test_a_renumbered_row_is_found(log: World):
    log.attack(
        "DELETE FROM ledger.entry WHERE seq = 2",
        "UPDATE ledger.entry SET seq = seq - 1,"
        " bytes = overlay(bytes placing int8send(seq - 1) from 21) WHERE seq > 2",
    )
    # The checkpoint at 2 vouches for entry 1, so the break is entry 2's.
    assert fault_of(log).seq == 2


@pytest.mark.parametrize(("first", "found"), [(0, 0), (1, 0), (2, 2), (4, 2), (5, 5)])
def test_a_log_sealed_anew_from_an_edit_on_is_found_by_its_checkpoints(
    log: World, first: int, found: int
):
    """Every hash fits; only the signed root does not, and it names the span."""
    seal_anew(log, first)
    fault = fault_of(log)
    assert fault.seq == found
    assert "are not those that were signed" in fault.sentence


def seal_anew(log: World, first: int) -> list[bytes]:
    """Rewrite the log from an entry on as a superuser would; returns leaf hashes."""
    rows = log.rows("SELECT bytes FROM ledger.entry ORDER BY seq")
    entries = [decode_entry(data) for (data,) in rows]
    hashes = [leaf_hash(encode_entry(entry)) for entry in entries[:first]]
    log.attack(changed_tenant(first))
    for seq in range(first, len(entries)):
        ((data,),) = log.rows(f"SELECT bytes FROM ledger.entry WHERE seq = {seq}")
        if seq > first:
            log.attack(
                "UPDATE ledger.entry SET bytes = overlay(bytes placing %(hash)s from 29)"
                f" WHERE seq = {seq}",
                hash=hashes[-1],
            )
            ((data,),) = log.rows(f"SELECT bytes FROM ledger.entry WHERE seq = {seq}")
        hashes.append(leaf_hash(data))
    return hashes


def test_checkpoints_signed_anew_with_another_key_are_found(log: World):
    hashes = seal_anew(log, 3)
    for size in (5, 6):
        note = sign(Checkpoint(origin(), size, root(hashes[:size])), signer(99))
        log.attack(
            "UPDATE ledger.checkpoint SET root = %(root)s, note = %(note)s"
            f" WHERE size = {size}",
            root=root(hashes[:size]),
            note=note,
        )
    fault = fault_of(log)
    assert fault.seq == 2
    assert "The checkpoint at 5 is false" in fault.sentence


@pytest.mark.parametrize(
    "change",
    [
        "root = sha256('')",
        "size = 4",
        "log_id = '\\x00'",
        "note = (SELECT note FROM ledger.checkpoint WHERE size = 2)",
        "note = ''",
    ],
)
def test_a_changed_checkpoint_is_found(log: World, change: str):
    log.attack(f"UPDATE ledger.checkpoint SET {change} WHERE size = 5")
    fault = fault_of(log)
    assert fault.seq == 2
    assert "The checkpoint at" in fault.sentence


def test_an_entry_of_another_log_is_found(log: World):
    log.attack(
        "UPDATE ledger.entry SET bytes = overlay(bytes placing '\\x00' from 5)"
        " WHERE seq = 3"
    )
    assert fault_of(log) == Fault(3, "Entry 3 belongs to another log.")


def test_an_entry_older_than_the_one_before_it_is_found(log: World):
    log.attack(
        "UPDATE ledger.entry SET bytes = overlay(bytes placing int8send(1) from 61)"
        " WHERE seq = 5"
    )
    assert fault_of(log) == Fault(5, "Entry 5 is older than the entry before it.")


def test_another_key_vouches_for_nothing(log: World):
    report = log.inspect(public_key=signer(5).public_key)
    assert report.fault is not None
    assert report.fault.seq == 0
    assert report.entries == 0


def test_the_log_may_grow_while_it_is_inspected(log: World):
    ask = Ask(origin(), log_signer().public_key)
    with log.connect("web") as login, log.connect("web") as beside:
        with one_snapshot(login, beside):
            inspector = Inspector(beside, ask)
            log.sequence(4)
            for span in spans(login, 0, extent(beside)):
                inspector.take(span)
            inspector.finish()
        assert inspector.fault is None
        assert inspector.size == 6
    assert log.inspect().entries == 10
