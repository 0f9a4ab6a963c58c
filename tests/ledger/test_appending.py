"""A statement lives and dies with the act it records."""

import pytest
from django.db import transaction

from ledger.encoding import decode_statement, log_id, signed_bytes
from ledger.errors import EncodingError, OutsideTransaction
from ledger.events import Event
from ledger.history import progress
from ledger.signing import is_signed_by
from ledger.site import origin
from tests.ledger.values import hash32
from tests.ledger.world import World


def test_a_statement_is_queued_as_it_was_said_with_its_signature(world: World):
    cid = b"\x01\x55\x12\x20" + hash32("document")
    (said,) = world.queue(event=Event.DOCUMENT_OPENED, subject_tag=hash32(1), cid=cid)
    ((queued, signature),) = world.rows("SELECT statement, signature FROM ledger.inbox")
    statement = decode_statement(queued)
    assert statement.statement_id == said
    assert statement.kind is Event.DOCUMENT_OPENED
    assert (statement.tenant, statement.subject_tag, statement.cid) == (
        7,
        hash32(1),
        cid,
    )
    assert is_signed_by(
        world.author.public_key,
        message=signed_bytes(log_id(origin()), queued),
        signature=signature,
    )


def test_a_rolled_back_act_leaves_no_statement(world: World):
    with transaction.atomic():
        world.append()
        assert world.count("inbox") == 1
        transaction.set_rollback(True)
    assert world.count("inbox") == 0


def test_a_statement_outside_a_transaction_is_refused(world: World):
    with pytest.raises(OutsideTransaction, match="DOCUMENT_ADDED"):
        world.append()
    assert world.count("inbox") == 0


def test_a_value_that_does_not_fit_leaves_nothing(world: World):
    with pytest.raises(EncodingError), transaction.atomic():
        world.append(subject_tag=b"short")
    assert world.count("inbox") == 0


def test_no_two_statements_share_an_id(world: World):
    ids = world.queue(20)
    assert len(set(ids)) == 20
    assert set(progress(ids)) == set(ids)
