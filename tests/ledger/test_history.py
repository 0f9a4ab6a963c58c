"""What the portal can say about a statement, with proof."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from ledger.checkpoint import parse_and_verify
from ledger.encoding import decode_entry
from ledger.errors import LedgerDamaged, NoteRejected, NotProvable, ProofRejected
from ledger.hashing import leaf_hash
from ledger.history import Progress, inclusion, progress
from ledger.proofs import verify_inclusion
from ledger.site import log_signer, origin
from tests.ledger.world import World


def test_a_statement_is_accepted_then_sequenced(world: World):
    (first,) = world.queue()
    assert progress([first]) == {first: Progress("accepted")}
    world.sequence()
    (second,) = world.queue()
    known = progress([first, second, bytes(16)])
    assert set(known) == {first, second}
    assert known[second].state == "accepted"
    assert (known[first].state, known[first].seq) == ("sequenced", 0)
    ((ts_ms,),) = world.rows("SELECT ts_ms FROM ledger.entry")
    sequenced_at = known[first].sequenced_at
    assert sequenced_at is not None
    assert round(sequenced_at.timestamp() * 1000) == ts_ms


def test_progress_takes_two_queries_for_any_number(world: World):
    ids = world.queue(30)
    world.sequence()
    with CaptureQueriesContext(
        connection,
    ) as queries:
        assert len(progress(ids)) == 30
    assert len(queries) == 2
    assert progress([]) == {}


def test_every_entry_is_proven_to_a_stranger(world: World):
    world.sequence(5, 1, 7)
    public_key = log_signer().public_key
    for seq in range(13):
        proof = inclusion(seq)
        signed = parse_and_verify(
            proof.checkpoint, origin=origin(), public_key=public_key
        )
        assert (
            (signed.size, signed.root) == (proof.size, proof.root) == (13, signed.root)
        )
        assert decode_entry(proof.entry).seq == seq
        verify_inclusion(
            index=seq,
            size=signed.size,
            leaf_hash=leaf_hash(proof.entry),
            path=proof.path,
            root=signed.root,
        )
        assert proof.leaf_hash == leaf_hash(proof.entry)


def test_what_no_checkpoint_covers_is_not_proven(world: World):
    with pytest.raises(NotProvable):
        inclusion(0)
    world.sequence(2)
    world.queue()
    with world.connect("sequencer") as login:
        sequencer = world.sequencer(login)
        sequencer.resume()
        sequencer.append_batch()
    with pytest.raises(NotProvable, match="entry 2"):
        inclusion(2)
    with pytest.raises(NotProvable):
        inclusion(-1)


def test_a_changed_entry_is_not_proven(world: World):
    world.sequence(4)
    world.attack("UPDATE ledger.entry SET bytes = bytes || '\\x00' WHERE seq = 2")
    for seq in range(4):
        with pytest.raises(ProofRejected):
            inclusion(seq)


def test_a_body_changed_beneath_its_hash_is_not_proven(world: World):
    world.sequence(4)
    world.attack(
        "ALTER TABLE ledger.entry ALTER leaf_hash DROP EXPRESSION",
        "UPDATE ledger.entry SET bytes = bytes || '\\x00' WHERE seq = 2",
    )
    with pytest.raises(ProofRejected):
        inclusion(2)
    inclusion(1)


def test_a_shortened_log_proves_nothing(world: World):
    world.sequence(4)
    world.attack("DELETE FROM ledger.entry WHERE seq = 3")
    with pytest.raises(LedgerDamaged, match="does not hold tile"):
        inclusion(1)


def test_a_forged_checkpoint_proves_nothing(world: World):
    world.sequence(4)
    world.attack("UPDATE ledger.checkpoint SET note = replace(note, '4', '5')")
    with pytest.raises(NoteRejected):
        inclusion(1)
