"""Who signed what, checked on every core: the first one wrong is named."""

from collections.abc import Iterable, Mapping

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from django.db import connection

from ledger.author_checks import AuthorChecks
from ledger.encoding import encode_entry
from ledger.entry_checks import Fault
from ledger.models import Entry
from ledger.site import author_keys
from tests.cast import Cast
from tests.ledger.values import Author, flip, hash32, signer
from tests.ledger.world import World

pytestmark = pytest.mark.slow

ALICE, BOB = Author(), Author(signer=signer(7))
KEYS = {a.signer.key_id: a.signer.public_key for a in (ALICE, BOB)}


def keys(key_ids: Iterable[bytes]) -> Mapping[bytes, Ed25519PublicKey]:
    return {key_id: KEYS[key_id] for key_id in key_ids if key_id in KEYS}


def bodies(count: int) -> list[bytes]:
    return [
        encode_entry((ALICE if seq % 3 else BOB).entry(seq, hash32(seq)))
        for seq in range(count)
    ]


def checked(*pieces: list[bytes]) -> tuple[int, Fault | None]:
    start = 0
    with AuthorChecks(keys) as checks:
        for piece in pieces:
            checks.take(start, piece)
            start += len(piece)
        return checks.checked, checks.first_fault()


def test_every_author_s_signature_holds():
    signed = bodies(60)
    assert checked(signed[:20], signed[20:21], signed[21:]) == (60, None)


def test_the_first_entry_that_its_author_did_not_sign_is_named():
    signed = bodies(60)
    for seq, bit in ((50, -8), (33, 70 * 8), (34, 130 * 8)):
        bit = bit if bit >= 0 else len(signed[seq]) * 8 + bit
        signed[seq] = flip(signed[seq], bit)
    _, fault = checked(signed[:10], signed[10:40], signed[40:])
    assert fault == Fault(33, "Entry 33 is not signed by its author.")


def test_a_statement_of_another_log_is_not_signed_for_this_one():
    signed = bodies(3)
    signed[1] = flip(signed[1], 5 * 8)  # in the log's id
    assert checked(signed)[1] == Fault(1, "Entry 1 is not signed by its author.")


def test_an_author_whose_key_is_unknown_is_said_to_be():
    stranger = Author(signer=signer(99))
    signed = [*bodies(2), encode_entry(stranger.entry(2, hash32(2)))]
    _, fault = checked(signed)
    assert fault == Fault(2, "Entry 2 names an author whose key is not known here.")


def test_the_site_knows_the_keys_of_everyone_who_signed(committed_cast: Cast):
    World(connection.settings_dict["NAME"]).sequence()
    rows = Entry.objects.order_by("seq").values_list("bytes", flat=True)
    entries = [bytes(row) for row in rows]
    with AuthorChecks(author_keys) as checks:
        checks.take(0, entries)
        assert checks.first_fault() is None
    assert checks.checked == len(entries) > 10
