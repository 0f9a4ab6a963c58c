"""Who can open a wrap, and what the ledger's commitment prevents."""

import hashlib
import hmac

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given, settings
from hypothesis import strategies as st

from records.encryption.chunk_cipher import ChunkCipher
from records.encryption.errors import CommitmentMismatch, WrapRejected
from records.encryption.format import ChunkKind, Header, encode_header
from records.encryption.wrapping import (
    check_commitment,
    key_commitment,
    key_id,
    oaep,
    unwrap_key,
    wrap_key,
    wraps_hash,
)
from tests.records.changes import changed
from tests.records.encryption.conftest import (
    DATA_KEY,
    OTHER_RECORD,
    RECORD,
    above_modulus,
)


def wrap_for(reader, *, record_id=RECORD, data_key=DATA_KEY):
    return wrap_key(
        data_key,
        public_key=reader.public_key,
        record_id=record_id,
        recipient_key_id=reader.key_id,
    )


def unwrap_by(reader, wrapped, *, record_id=RECORD, recipient=None):
    return unwrap_key(
        wrapped,
        private_key=reader.private_key,
        record_id=record_id,
        recipient_key_id=recipient or reader.key_id,
    )


def test_the_recipient_opens_the_wrap(alice):
    wrapped = wrap_for(alice)
    assert len(wrapped) == 384
    assert unwrap_by(alice, wrapped) == DATA_KEY
    assert wrap_for(alice) != wrapped


def test_a_wrap_moved_to_another_record_is_refused(alice):
    with pytest.raises(WrapRejected):
        unwrap_by(alice, wrap_for(alice), record_id=OTHER_RECORD)


def test_a_wrap_for_another_reader_is_refused(alice, bob):
    with pytest.raises(WrapRejected):
        unwrap_by(bob, wrap_for(alice))
    with pytest.raises(WrapRejected):
        unwrap_by(alice, wrap_for(alice), recipient=bob.key_id)


@given(bit=st.integers(0, 384 * 8 - 1))
@settings(max_examples=25, deadline=None)
def test_any_flipped_bit_of_a_wrap_is_refused(alice, bit):
    changed = bytearray(wrap_for(alice))
    changed[bit // 8] ^= 1 << bit % 8
    with pytest.raises(WrapRejected):
        unwrap_by(alice, bytes(changed))


@given(data=st.data())
@settings(max_examples=100)
def test_any_change_of_a_wrap_is_refused(alice, data):
    made = data.draw(changed(wrap_for(alice)))
    with pytest.raises(WrapRejected):
        unwrap_by(alice, made)


def test_the_same_number_written_otherwise_is_refused(alice):
    wrapped = wrap_for(alice)
    larger = above_modulus(lambda: wrap_for(alice), alice)
    for made in (bytes(1) + wrapped, wrapped[::-1], larger):
        with pytest.raises(WrapRejected):
            unwrap_by(alice, made)


@given(noise=st.binary(max_size=500))
@settings(max_examples=25, deadline=None)
def test_noise_is_no_wrap(alice, noise):
    with pytest.raises(WrapRejected):
        unwrap_by(alice, noise)


def test_something_else_wrapped_is_refused(alice):
    label = oaep(RECORD + alice.key_id)
    with pytest.raises(WrapRejected):
        unwrap_by(alice, alice.public_key.encrypt(b"not a key", label))


def test_a_key_of_another_size_is_refused():
    small = rsa.generate_private_key(65537, 2048).public_key()
    with pytest.raises(ValueError, match="3072"):
        wrap_key(
            DATA_KEY, public_key=small, record_id=RECORD, recipient_key_id=key_id(small)
        )


def test_wrong_lengths_are_refused(alice):
    with pytest.raises(ValueError, match="32 bytes"):
        wrap_for(alice, data_key=b"short")
    with pytest.raises(ValueError, match="16 bytes"):
        wrap_for(alice, record_id=b"short")
    with pytest.raises(ValueError, match="16"):
        key_commitment(DATA_KEY, b"short")


def test_the_commitment_is_the_one_the_ledger_states():
    # RFC 5869 by hand: extract with a zero salt, expand one block.
    extracted = hmac.digest(bytes(32), DATA_KEY, "sha256")
    info = b"AML1-commit" + RECORD
    expected = hmac.digest(extracted, info + b"\x01", "sha256")
    assert key_commitment(DATA_KEY, RECORD) == expected


def test_the_commitment_binds_key_and_record():
    commitment = key_commitment(DATA_KEY, RECORD)
    check_commitment(DATA_KEY, RECORD, commitment)
    for key, record in ((bytes(32), RECORD), (DATA_KEY, OTHER_RECORD)):
        with pytest.raises(CommitmentMismatch):
            check_commitment(key, record, commitment)
    with pytest.raises(CommitmentMismatch):
        check_commitment(DATA_KEY, RECORD, commitment[:31])


def test_the_hash_of_wraps_has_the_stated_bytes():
    one, two = (b"\x01" * 32, b"first"), (b"\x02" * 32, b"second")
    stated = b"AML1-wraps\x00\x00\x00\x02"
    stated += one[0] + b"\x00\x05first" + two[0] + b"\x00\x06second"
    assert wraps_hash([two, one]) == hashlib.sha256(stated).digest()
    assert wraps_hash([]) == hashlib.sha256(b"AML1-wraps" + bytes(4)).digest()


WRAPS = st.dictionaries(st.binary(min_size=32, max_size=32), st.binary(max_size=400))


@given(WRAPS.filter(bool), st.randoms())
def test_the_order_of_wraps_does_not_matter_but_all_else_does(wraps, shuffler):
    pairs = list(wraps.items())
    shuffled = list(pairs)
    shuffler.shuffle(shuffled)
    whole = wraps_hash(pairs)
    assert wraps_hash(shuffled) == whole
    assert wraps_hash(pairs[1:]) != whole
    assert wraps_hash([(pairs[0][0], pairs[0][1] + b"x"), *pairs[1:]]) != whole


def test_two_wraps_for_one_key_are_refused():
    with pytest.raises(WrapRejected):
        wraps_hash([(bytes(32), b"one"), (bytes(32), b"two")])
    with pytest.raises(WrapRejected):
        wraps_hash([(b"short", b"one")])


def test_one_ciphertext_with_two_plaintexts_is_detected():
    """The attack of Dodis et al. 2018 on AES-GCM, against one of our chunks."""
    header = Header(RECORD, b"nonce-7", 1024)
    kinder, crueller = bytes([1]) * 32, bytes([2]) * 32
    chunk = open_under_both(header, kinder, crueller)
    plains = {
        ChunkCipher(key, header).open(0, chunk, ChunkKind.FULL)
        for key in (kinder, crueller)
    }
    assert len(plains) == 2, "AES-GCM alone lets both keys open the chunk"
    on_the_ledger = key_commitment(kinder, RECORD)
    check_commitment(kinder, RECORD, on_the_ledger)
    with pytest.raises(CommitmentMismatch):
        check_commitment(crueller, RECORD, on_the_ledger)


def open_under_both(header, *keys):
    """Return a full chunk that authenticates under two keys.

    GHASH is linear in every ciphertext block, so one free block can be solved for
    the value that makes both tags the same.
    """
    nonce = header.nonce(0, ChunkKind.FULL)
    associated = encode_header(header) + bytes(4)
    blocks = header.chunk_size // 16
    offsets, factor = 0, 0
    for key in keys:
        zero_plain = keystream(key, nonce, header.chunk_size)
        tag = AESGCM(key).encrypt(nonce, zero_plain, associated)[-16:]
        hash_key = keystream_block(key, bytes(16))
        offsets ^= to_field(tag)
        # The last block is multiplied by H², once for itself, once for the lengths.
        factor ^= multiply(to_field(hash_key), to_field(hash_key))
    free = from_field(multiply(offsets, inverse(factor)))
    ciphertext = bytes(16 * (blocks - 1)) + free
    plain = xor(ciphertext, keystream(keys[0], nonce, header.chunk_size))
    return AESGCM(keys[0]).encrypt(nonce, plain, associated)


def keystream_block(key, counter):
    return Cipher(algorithms.AES(key), modes.ECB()).encryptor().update(counter)


def keystream(key, nonce, length):
    start = nonce + (2).to_bytes(4)
    return (
        Cipher(algorithms.AES(key), modes.CTR(start)).encryptor().update(bytes(length))
    )


def xor(one, other):
    return bytes(a ^ b for a, b in zip(one, other, strict=True))


def to_field(block):
    """Read a block as a polynomial over GF(2), GCM's first bit being x⁰."""
    return int(f"{int.from_bytes(block):0128b}"[::-1], 2)


def from_field(value):
    return int(f"{value:0128b}"[::-1], 2).to_bytes(16)


def multiply(one, other):
    product = 0
    for bit in range(128):
        if other >> bit & 1:
            product ^= one << bit
    for bit in range(254, 127, -1):
        if product >> bit & 1:
            product ^= (1 << 128 | 0x87) << (bit - 128)
    return product


def inverse(value):
    """Return value^(2¹²⁸ − 2), its inverse by Fermat."""
    result, square = 1, value
    for _ in range(127):
        square = multiply(square, square)
        result = multiply(result, square)
    return result
