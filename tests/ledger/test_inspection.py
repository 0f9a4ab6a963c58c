"""Every way to change a log is found, by its sequence number."""

import pytest

from ledger.checkpoint import Checkpoint, sign
from ledger.cosignature import cosign
from ledger.entry_checks import Fault
from ledger.errors import LedgerError
from ledger.inspection import Ask, Inspector, inspect
from ledger.inspection_rows import SPAN, extent, one_snapshot, spans
from ledger.merkle import root
from ledger.note import COSIGNATURE_TYPE, split_note
from ledger.site import log_signer, origin
from ledger.verifier_key import VerifierKey
from tests.ledger.forging import change_tenant, seal_anew
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
    log.attack(change_tenant(seq))
    assert fault_of(log).seq == seq


@pytest.mark.parametrize("seq", [0, 3, 5])
def test_a_body_changed_with_its_columns_kept_is_found(log: World, seq: int):
    log.attack(FREEZE, change_tenant(seq))
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
        "ALTER TABLE ledger.entry ALTER leaf_hash DROP EXPRESSION", change_tenant(3)
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


# Tiles, cosignatures, and going on from where one was

# 530 entries under checkpoints at 300, 512 and 530: two full tiles.
LARGE = (300, 212, 18)


@pytest.fixture
def large(world: World) -> World:
    world.sequence(*LARGE)
    return world


def test_tiles_are_held_against_the_entries(large: World):
    assert large.count("tile") == 2
    report = large.inspect()
    assert (report.fault, report.entries, report.checkpoints) == (None, 530, 3)


@pytest.mark.parametrize(
    ("change", "seq", "says"),
    [
        (
            "UPDATE ledger.tile SET hashes = set_byte(hashes, 65, get_byte(hashes, 65) # 1) WHERE index = 1",
            256,
            "Tile 0/001 of the tree does not hold the hashes of its entries.",
        ),
        (
            "UPDATE ledger.tile SET root = sha256('') WHERE index = 0",
            0,
            "Tile 0/000 of the tree does not hold the hashes of its entries.",
        ),
        (
            "DELETE FROM ledger.tile WHERE index = 1",
            256,
            "Tile 0/001 of the tree is missing.",
        ),
    ],
)
def test_a_changed_tile_is_found(large: World, change: str, seq: int, says: str):
    large.attack(change)
    assert fault_of(large) == Fault(seq, says)


WITNESS = VerifierKey("w.example/witness", signer(3).public_key, COSIGNATURE_TYPE)


def cosign_all(log: World) -> None:
    rows = log.rows("SELECT size, note FROM ledger.checkpoint ORDER BY size")
    with log.connect("sequencer") as login:
        for size, note in rows:
            text, _ = split_note(note)
            line = cosign(text, name=WITNESS.name, signer=signer(3), time=size)
            login.execute(
                "INSERT INTO ledger.cosignature"
                " VALUES (ledger.log_id(), %s, %s, %s, %s, %s)",
                [size, WITNESS.name, WITNESS.key_id, size, line],
            )


def test_cosignatures_are_checked_and_counted(large: World):
    cosign_all(large)
    report = large.inspect(witnesses=[WITNESS])
    assert (report.fault, report.witnessed) == (None, {WITNESS.name: 530})
    assert large.inspect().witnessed == {}  # of nobody known


def test_a_cosignature_of_another_checkpoint_is_found(large: World):
    cosign_all(large)
    large.attack(
        "UPDATE ledger.cosignature SET line ="
        " (SELECT line FROM ledger.cosignature WHERE size = 300) WHERE size = 512"
    )
    fault = large.inspect(witnesses=[WITNESS]).fault
    assert fault
    assert fault.seq == 300
    assert "The checkpoint at 512 is false: A cosignature in the name of" in (
        fault.sentence
    )


def test_it_goes_on_from_a_checkpoint(large: World):
    whole = large.inspect()
    rest = large.inspect(since=300)
    assert (rest.fault, rest.entries, rest.certified) == (None, 530, 530)
    # The checkpoint it starts from is checked again, with the tree up to it.
    assert (whole.checkpoints, rest.checkpoints) == (3, 3)
    large.attack(change_tenant(7))
    assert large.inspect(since=300).fault is None
    large.attack(change_tenant(400))
    fault = large.inspect(since=300).fault
    assert fault
    assert fault.seq == 400


def test_what_stood_before_is_not_believed_where_the_root_differs(large: World):
    large.attack("UPDATE ledger.tile SET root = sha256('') WHERE index = 0")
    fault = large.inspect(since=512).fault
    assert fault
    assert "are not those that were signed at 512" in fault.sentence


@pytest.mark.parametrize("since", [1, 299, 301, 531, 10_000])
def test_it_starts_at_a_checkpoint_alone(large: World, since: int):
    with pytest.raises(LedgerError, match=f"No checkpoint was signed at {since}"):
        large.inspect(since=since)


def test_it_stops_where_it_is_told_to_and_says_how_far_it_came(large: World):
    part = large.inspect(most=310)
    assert (part.fault, part.certified) == (None, 512)
    assert 310 <= part.entries < 530
    rest = large.inspect(since=part.certified, most=1000)
    assert (rest.fault, rest.certified) == (None, 530)


def test_a_faulty_tail_is_not_seen_before_it_is_its_turn(large: World):
    large.attack("DELETE FROM ledger.entry WHERE seq >= 520")
    assert large.inspect(most=300).fault is None
    fault = large.inspect(since=300).fault
    assert fault
    assert fault.seq == 520


def test_progress_is_told_after_each_span(large: World):
    told: list[tuple[int, int]] = []
    ask = Ask(origin(), log_signer().public_key)
    with large.connect("web") as login, large.connect("web") as beside:
        inspect(login, beside, ask, progress=lambda *far: told.append(far))
    assert told == [(SPAN, 530), (530, 530)]
