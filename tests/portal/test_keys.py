"""Every holder's keys lie sealed; without them nothing is signed or opened."""

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from django.db import IntegrityError, connection, transaction
from django.urls import reverse

from ledger.signing import is_signed_by
from portal import keys
from portal.errors import KeyUnavailable
from portal.keys import (
    LOG_HOLDER,
    create_holder,
    log_signer,
    opening_key,
    sealing_key,
    signer,
)
from portal.models import HolderKey, KeyHolder, PrivateKey
from tests.cast import Cast


@pytest.fixture
def nothing_open():
    """As in a process that has just started."""
    keys._opened.cache_clear()
    yield
    keys._opened.cache_clear()


def test_a_holder_signs_and_opens(cast: Cast):
    holder = cast.a.holder_id
    said = signer(holder)
    assert is_signed_by(said.public_key, message=b"x", signature=said.sign(b"x"))
    key = sealing_key(holder)
    opening = opening_key(key.key_id)
    assert isinstance(opening, RSAPrivateKey)
    assert opening.public_key() == key.public_key
    assert key.public_key.key_size == 3072


def test_everyone_who_holds_documents_has_keys_of_their_own(cast: Cast):
    holders = {h.holder_id for h in (cast.a, cast.b, cast.c, cast.service, cast.child)}
    assert len(holders) == 5
    assert len({sealing_key(h).key_id for h in holders}) == 5
    assert HolderKey.objects.count() == 2 * KeyHolder.objects.count()


def test_the_log_has_its_own_signer(cast: Cast):
    signing = HolderKey.objects.get(holder_id=LOG_HOLDER, purpose="signing")
    assert log_signer().key_id == bytes(signing.key_id)


def test_the_private_half_lies_sealed(cast: Cast):
    for row in PrivateKey.objects.all():
        assert b"PRIVATE" not in bytes(row.sealed)
        assert bytes(row.sealed)[:1] == b"\x02"


def test_a_holder_has_one_live_key_for_a_purpose(db):
    holder = create_holder()
    row = holder.keys.get(purpose="signing")
    row.pk = b"\x01" * 32
    with pytest.raises(IntegrityError, match="one_live_key"), transaction.atomic():
        row.save(force_insert=True)


def test_retired_keys_neither_sign_nor_seal_but_open(cast: Cast):
    holder = cast.a.holder_id
    key_id = sealing_key(holder).key_id
    with connection.cursor() as cursor:
        cursor.execute("UPDATE portal_holderkey SET retired_at = now()")
    for use in (signer, sealing_key):
        with pytest.raises(KeyUnavailable, match="keys of this holder are gone"):
            use(holder)
    assert opening_key(key_id).key_size == 3072


def test_a_key_that_is_gone(cast: Cast, nothing_open):
    with pytest.raises(KeyUnavailable, match="is gone"):
        opening_key(b"\x07" * 32)


def swap_private_keys(cast: Cast) -> None:
    one, other = (
        HolderKey.objects.get(holder=hospital.holder, purpose="sealing")
        for hospital in (cast.a, cast.b)
    )
    PrivateKey.objects.filter(key=one).update(sealed=other.private.sealed)


def test_a_private_key_moved_to_another_row_is_refused(cast: Cast, nothing_open):
    swap_private_keys(cast)
    with pytest.raises(KeyUnavailable):
        opening_key(sealing_key(cast.a.holder_id).key_id)


def test_a_key_that_cannot_be_used_is_a_page_with_a_sentence(
    cast: Cast, sign_in, nothing_open
):
    swap_private_keys(cast)
    response = sign_in("alan").get(reverse("document", args=[cast.image_a.pk]))
    assert response.status_code == 503
    assert "A sealed field does not open" in response.text
