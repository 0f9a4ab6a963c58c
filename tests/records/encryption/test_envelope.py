"""What an envelope gives back, and everything it must refuse."""

import pytest
from cryptography.exceptions import InvalidTag
from hypothesis import given, settings
from hypothesis import strategies as st

from records.encryption.chunk_cipher import ChunkCipher
from records.encryption.envelope import new_data_key, open_sealed, seal
from records.encryption.errors import (
    ChunkDamaged,
    ChunkMisplaced,
    EnvelopeRejected,
    EnvelopeTruncated,
    ForeignRecord,
    HeaderRejected,
    NotAnEnvelope,
    PaddingRejected,
    TrailingData,
    UnknownVersion,
)
from records.encryption.format import (
    HEADER_LENGTH,
    ChunkKind,
    Header,
    decode_header,
    encode_header,
    padded_length,
)
from tests.records.changes import changed, same_until
from tests.records.encryption.conftest import DATA_KEY, OTHER_RECORD, RECORD

SIZE = 1024
SEALED_SIZE = SIZE + 16


def sealed_chunks(content, *, record_id=RECORD, data_key=DATA_KEY):
    """Return the header, then each sealed chunk."""
    stream = seal([content], data_key=data_key, record_id=record_id, chunk_size=SIZE)
    return list(stream)


def opened(sealed, *, record_id=RECORD, data_key=DATA_KEY):
    return b"".join(open_sealed([sealed], data_key=data_key, record_id=record_id))


def released_before_refusal(sealed, error):
    """Return what was released before the named error stopped it."""
    released = bytearray()
    stream = open_sealed([sealed], data_key=DATA_KEY, record_id=RECORD)
    with pytest.raises(error):
        pour(stream, released)
    return bytes(released)


def pour(stream, released):
    for content in stream:
        released += content


CONTENT = bytes(i % 251 for i in range(40 * SIZE + 100))
CHUNKS = sealed_chunks(CONTENT)
SEALED = b"".join(CHUNKS)


@pytest.mark.parametrize(
    "length",
    [0, 1, 15, 16, 16_383, 16_384, 131_071, 131_072, 131_073, 262_144, 1_000_003],
)
def test_what_is_sealed_opens(length):
    content = (b"kidney " * (length // 7 + 1))[:length]
    sealed = b"".join(seal([content], data_key=DATA_KEY, record_id=RECORD))
    assert opened(sealed) == content


@given(st.lists(st.binary(max_size=9000), max_size=8), st.integers(1, 5000))
def test_the_cut_of_the_stream_does_not_matter(pieces, cut):
    sealed = b"".join(
        seal(pieces, data_key=DATA_KEY, record_id=RECORD, chunk_size=SIZE)
    )
    parts = [sealed[i : i + cut] for i in range(0, len(sealed), cut)]
    released = open_sealed(parts, data_key=DATA_KEY, record_id=RECORD)
    assert b"".join(released) == b"".join(pieces)


@given(st.binary(max_size=4 * SIZE))
def test_zeros_and_marks_at_the_end_are_kept(tail):
    for end in (b"", b"\x80", b"\x00" * SIZE, b"\x80" + b"\x00" * 2 * SIZE):
        assert opened(b"".join(sealed_chunks(tail + end))) == tail + end


@given(st.integers(0, 60_000))
def test_the_length_tells_only_the_bucket(length):
    sealed = b"".join(sealed_chunks(bytes(length)))
    plain = padded_length(length + 1)
    chunks = -(-plain // SIZE)
    assert len(sealed) == HEADER_LENGTH + plain + 16 * chunks


def test_sealing_twice_gives_different_bytes():
    again = b"".join(sealed_chunks(CONTENT))
    assert again[HEADER_LENGTH:] != SEALED[HEADER_LENGTH:]
    assert new_data_key() != new_data_key()


def test_cut_off_at_any_border_is_refused():
    for kept in range(1, len(CHUNKS)):
        released = released_before_refusal(b"".join(CHUNKS[:kept]), EnvelopeTruncated)
        assert CONTENT.startswith(released)


@given(st.integers(HEADER_LENGTH, len(SEALED) - 1))
def test_cut_off_anywhere_is_refused(kept):
    released = released_before_refusal(SEALED[:kept], EnvelopeRejected)
    assert CONTENT.startswith(released)


@given(st.integers(0, len(SEALED) * 8 - 1))
@settings(max_examples=300)
def test_any_flipped_bit_is_refused(bit):
    changed = bytearray(SEALED)
    changed[bit // 8] ^= 1 << bit % 8
    released = released_before_refusal(bytes(changed), EnvelopeRejected)
    assert CONTENT.startswith(released)


@given(changed(SEALED), st.integers(1, 5000))
@settings(max_examples=300)
def test_any_change_is_refused_with_nothing_of_its_chunk_released(made, cut):
    parts = [made[at : at + cut] for at in range(0, len(made), cut)]
    released = bytearray()
    stream = open_sealed(parts, data_key=DATA_KEY, record_id=RECORD)
    with pytest.raises(EnvelopeRejected):
        pour(stream, released)
    sound = max(0, same_until(SEALED, made) - HEADER_LENGTH) // SEALED_SIZE
    assert CONTENT[: sound * SIZE].startswith(released)


@given(st.integers(0, len(CHUNKS) - 2), st.integers(0, 15))
def test_nothing_is_released_where_only_the_tag_is_wrong(index, at):
    chunks = list(CHUNKS)
    tag = bytearray(chunks[index + 1])
    tag[at - 16] ^= 1
    chunks[index + 1] = bytes(tag)
    released = released_before_refusal(b"".join(chunks), EnvelopeRejected)
    assert released == CONTENT[: index * SIZE]


@given(st.integers(0, len(CONTENT) // SIZE - 1))
def test_nothing_of_a_damaged_chunk_is_released(index):
    chunks = list(CHUNKS)
    chunks[index + 1] = bytes(SEALED_SIZE)
    released = released_before_refusal(b"".join(chunks), ChunkDamaged)
    assert released == CONTENT[: index * SIZE]


@given(st.lists(st.integers(1, len(CHUNKS) - 1), min_size=2, max_size=2, unique=True))
def test_swapped_chunks_are_refused(places):
    one, other = sorted(places)
    chunks = list(CHUNKS)
    chunks[one], chunks[other] = chunks[other], chunks[one]
    released = released_before_refusal(b"".join(chunks), EnvelopeRejected)
    assert released == CONTENT[: (one - 1) * SIZE]


def test_moved_chunks_are_named():
    one, two, *rest = CHUNKS[1:]
    for order in ([two, one, *rest], [one, one, *rest], [two, *rest]):
        sealed = b"".join([CHUNKS[0], *order])
        released_before_refusal(sealed, ChunkMisplaced)


@given(st.binary(min_size=1, max_size=3 * SIZE))
def test_anything_after_the_end_is_refused(more):
    released = released_before_refusal(SEALED + more, TrailingData)
    assert CONTENT.startswith(released)


def test_an_envelope_after_an_envelope_is_refused():
    released_before_refusal(SEALED + SEALED, TrailingData)


def test_an_envelope_of_another_record_is_refused():
    with pytest.raises(ForeignRecord):
        opened(SEALED, record_id=OTHER_RECORD)
    relabelled = SEALED.replace(RECORD, OTHER_RECORD, 1)
    with pytest.raises(ChunkDamaged):
        opened(relabelled, record_id=OTHER_RECORD)


def test_another_documents_chunks_are_refused():
    other = sealed_chunks(CONTENT)
    released_before_refusal(b"".join([CHUNKS[0], *other[1:]]), ChunkDamaged)
    released_before_refusal(b"".join([*CHUNKS[:5], *other[5:]]), ChunkDamaged)


def test_another_key_opens_nothing():
    with pytest.raises(ChunkDamaged):
        opened(SEALED, data_key=new_data_key())


def test_an_unknown_version_is_refused():
    changed = bytearray(SEALED)
    changed[4] = 2
    released_before_refusal(bytes(changed), UnknownVersion)


@given(st.binary(max_size=3000))
def test_noise_is_refused(noise):
    with pytest.raises(EnvelopeRejected):
        opened(noise)


def test_emptiness_is_not_an_envelope():
    with pytest.raises(NotAnEnvelope):
        opened(b"")
    with pytest.raises(EnvelopeTruncated):
        opened(SEALED[:HEADER_LENGTH])


def forged(*chunks):
    """Return an envelope by someone with the key, who breaks the form."""
    header = Header(RECORD, b"nonce-7", SIZE)
    cipher = ChunkCipher(DATA_KEY, header)
    sealed = [
        cipher.seal(index, plain, kind) for index, (plain, kind) in enumerate(chunks)
    ]
    return encode_header(header) + b"".join(sealed)


FULL = (bytes(SIZE), ChunkKind.FULL)
ENDING = (b"\x80" + bytes(SIZE - 1), ChunkKind.PADDED)
BLANK = (bytes(SIZE), ChunkKind.PADDED)
LAST_BLANK = (bytes(SIZE), ChunkKind.LAST)


@pytest.mark.parametrize(
    "chunks",
    [
        [FULL] * 15 + [LAST_BLANK],
        [ENDING] + [BLANK] * 13 + [FULL] + [LAST_BLANK],
        [ENDING] + [BLANK] * 13 + [ENDING] + [LAST_BLANK],
        [ENDING] + [BLANK] * 14 + [(b"\x01" + bytes(SIZE - 1), ChunkKind.LAST)],
        [(b"\x80" + b"\x01" * (SIZE - 1), ChunkKind.PADDED)]
        + [BLANK] * 14
        + [LAST_BLANK],
        [ENDING] + [BLANK] * 13 + [LAST_BLANK],
        [ENDING] + [BLANK] * 15 + [LAST_BLANK],
        [(b"\x80", ChunkKind.LAST)],
        [(b"", ChunkKind.LAST)],
    ],
)
def test_authentic_chunks_in_another_form_are_refused(chunks):
    with pytest.raises(EnvelopeRejected):
        opened(forged(*chunks))


def test_the_forger_could_have_kept_to_the_form():
    assert opened(forged(ENDING, *[BLANK] * 14, LAST_BLANK)) == b""
    with pytest.raises(PaddingRejected):
        opened(forged(ENDING, *[BLANK] * 13, LAST_BLANK))


def test_wrong_lengths_are_refused_before_anything_is_sealed():
    with pytest.raises(ValueError, match="32 bytes"):
        seal([b""], data_key=b"short", record_id=RECORD)
    with pytest.raises(HeaderRejected):
        seal([b""], data_key=DATA_KEY, record_id=b"short")


def test_sealing_reads_no_more_than_it_has_to():
    taken = 0

    def endless():
        nonlocal taken
        while True:
            taken += SIZE
            yield bytes(SIZE)

    sealed = seal(endless(), data_key=DATA_KEY, record_id=RECORD, chunk_size=SIZE)
    for _ in range(10):
        next(sealed)
    assert taken <= 11 * SIZE


def test_the_header_and_place_are_associated_data():
    header = decode_header(SEALED)
    cipher = ChunkCipher(DATA_KEY, header)
    with pytest.raises(InvalidTag):
        cipher.open(1, CHUNKS[1], ChunkKind.FULL)
    assert cipher.open(0, CHUNKS[1], ChunkKind.FULL) == CONTENT[:SIZE]
