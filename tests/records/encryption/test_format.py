"""The header's bytes, the buckets' law."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from records.encryption.errors import (
    EnvelopeRejected,
    EnvelopeTruncated,
    HeaderRejected,
    NotAnEnvelope,
    UnknownAlgorithm,
    UnknownVersion,
)
from records.encryption.format import (
    HEADER_LENGTH,
    SMALLEST_BUCKET,
    ChunkKind,
    Header,
    decode_header,
    encode_header,
    padded_length,
)
from tests.records.changes import changed
from tests.records.encryption.conftest import RECORD

HEADER = Header(RECORD, b"nonce-7", 4096)
ENCODED = b"ANSE\x01\x01\x01\x00\x00\x10\x00" + RECORD + b"nonce-7"


def test_the_header_has_the_stated_bytes():
    assert encode_header(HEADER) == ENCODED
    assert len(ENCODED) == HEADER_LENGTH == 34
    assert decode_header(ENCODED + b"more") == HEADER


def test_the_nonce_has_the_stated_bytes():
    assert HEADER.nonce(258, ChunkKind.LAST) == b"nonce-7\x00\x00\x01\x02\x01"


@pytest.mark.parametrize(
    ("at", "value", "error"),
    [
        (0, 0x00, NotAnEnvelope),
        (4, 2, UnknownVersion),
        (5, 9, UnknownAlgorithm),
        (6, 0, HeaderRejected),
        (7, 1, HeaderRejected),
        (10, 1, HeaderRejected),
    ],
)
def test_a_header_of_another_form_is_refused_by_name(at, value, error):
    changed = bytearray(ENCODED)
    changed[at] = value
    with pytest.raises(error):
        decode_header(bytes(changed))


def test_every_shortened_header_is_refused():
    for length in range(1, HEADER_LENGTH):
        with pytest.raises(EnvelopeTruncated):
            decode_header(ENCODED[:length])
    with pytest.raises(NotAnEnvelope):
        decode_header(b"")


@given(changed(ENCODED))
def test_a_changed_header_is_another_one_or_none(made):
    try:
        header = decode_header(made)
    except EnvelopeRejected:
        return
    assert encode_header(header) == made[:HEADER_LENGTH]


@pytest.mark.parametrize("size", [0, 512, 1025, 2_097_152])
def test_a_chunk_size_out_of_range_is_refused(size):
    with pytest.raises(HeaderRejected):
        encode_header(Header(RECORD, b"nonce-7", size))


@given(st.integers(0, 2**45))
def test_padding_adds_little_and_is_its_own_bucket(length):
    padded = padded_length(length)
    assert padded >= length
    assert padded <= max(SMALLEST_BUCKET, length * 1.12)
    assert padded_length(padded) == padded


@given(st.integers(0, 2**45), st.integers(0, 2**20))
def test_padding_never_decreases(length, more):
    assert padded_length(length) <= padded_length(length + more)


@given(st.integers(4, 46))
def test_the_buckets_of_one_magnitude_are_few(exponent):
    lengths = range(2**exponent, 2 ** (exponent + 1), max(1, 2**exponent // 512))
    assert len({padded_length(length) for length in lengths}) <= 65
