"""Names are sealed to one length under a document's data key."""

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import example, given, settings
from hypothesis import strategies as st

from records.encryption.errors import NameRejected
from records.encryption.names import SEALED_NAME_LENGTH, open_name, seal_name
from records.encryption.wrapping import derived_key, key_commitment
from tests.records.changes import changed
from tests.records.encryption.conftest import DATA_KEY, OTHER_RECORD, RECORD

DATA_KEYS = st.binary(min_size=32, max_size=32)
RECORDS = st.binary(min_size=16, max_size=16)
NAMES = st.text(max_size=60)


def sealed_here(name="kidney left.dcm"):
    return seal_name(name, data_key=DATA_KEY, record_id=RECORD)


def opened_here(sealed):
    return open_name(sealed, data_key=DATA_KEY, record_id=RECORD)


@given(name=NAMES, data_key=DATA_KEYS, record_id=RECORDS)
def test_a_name_comes_back_and_its_length_does_not_show(name, data_key, record_id):
    under = {"data_key": data_key, "record_id": record_id}
    sealed = seal_name(name, **under)
    assert len(sealed) == SEALED_NAME_LENGTH
    assert seal_name(name, **under) != sealed
    assert open_name(sealed, **under) == name


def test_the_longest_name_fits():
    name = "ä" * 127 + "x"
    assert opened_here(sealed_here(name)) == name


@pytest.mark.parametrize("name", ["x" * 256, "ä" * 128, "\ud800"])
def test_a_name_too_long_or_not_text_is_refused(name):
    with pytest.raises(NameRejected):
        sealed_here(name)


@given(name=NAMES, data_key=DATA_KEYS, record_id=RECORDS)
def test_another_record_or_another_data_key_is_refused(name, data_key, record_id):
    sealed = sealed_here(name)
    for key, record in ((data_key, RECORD), (DATA_KEY, record_id)):
        if (key, record) != (DATA_KEY, RECORD):
            with pytest.raises(NameRejected):
                open_name(sealed, data_key=key, record_id=record)


@given(
    at=st.integers(0, SEALED_NAME_LENGTH - 1),
    digit=st.sampled_from("0123456789abcdefAg \u0660"),
)
@example(at=1, digit="1")
def test_any_changed_digit_is_refused(at, digit):
    sealed = sealed_here()
    made = sealed[:at] + digit + sealed[at + 1 :]
    if made != sealed:
        with pytest.raises(NameRejected):
            opened_here(made)


TEXT = st.text("0123456789abcdefABF \n\u0660", max_size=40)


@given(data=st.data())
@settings(max_examples=100)
def test_any_change_of_a_sealed_name_is_refused(data):
    made = data.draw(changed(sealed_here(), TEXT))
    with pytest.raises(NameRejected):
        opened_here(made)


def test_the_same_bytes_written_otherwise_are_refused():
    sealed = sealed_here()
    for made in (sealed.upper(), f"00{sealed}", f" {sealed}", f"0x{sealed}"):
        with pytest.raises(NameRejected):
            opened_here(made)


@given(sealed=st.text(max_size=600) | st.binary(max_size=300).map(bytes.hex))
@example("00" * 285)
@example("02" * 285)
@example("02" * 284)
@example("0A" * 285)
@example("ab" * 384)
def test_other_text_is_refused(sealed):
    with pytest.raises(NameRejected):
        opened_here(sealed)


@given(end=st.integers(0, SEALED_NAME_LENGTH - 1))
def test_a_part_is_refused(end):
    with pytest.raises(NameRejected):
        opened_here(sealed_here()[:end])


@pytest.mark.parametrize("version", [b"\x00", b"\x01", b"\x03"])
def test_another_version_is_refused_in_words(version):
    with pytest.raises(NameRejected, match=f"version {version[0]};.* version 2"):
        opened_here(version.hex() + sealed_here()[2:])


@pytest.mark.parametrize(
    "plain", [b"\x05kid" + b"x" * 252, b"\x01a" + b"x" * 254, b"\x01\xff" + bytes(254)]
)
def test_sealed_bytes_of_another_form_are_refused(plain):
    with pytest.raises(NameRejected, match="does not hold a name"):
        opened_here(sealed_by_hand(plain))


def test_a_sealed_name_has_the_stated_bytes():
    plain = b"\x05a.dcm" + bytes(250)
    assert opened_here(sealed_by_hand(plain)) == "a.dcm"


def sealed_by_hand(plain, nonce=bytes(range(12))):
    key = derived_key(DATA_KEY, purpose=b"AML1-name", record_id=RECORD)
    return (b"\x02" + nonce + AESGCM(key).encrypt(nonce, plain, b"\x02")).hex()


def test_wrong_lengths_are_refused():
    with pytest.raises(ValueError, match="32 bytes"):
        seal_name("a", data_key=b"short", record_id=RECORD)
    with pytest.raises(ValueError, match="16"):
        open_name(sealed_here(), data_key=DATA_KEY, record_id=b"short")


def test_the_key_of_a_name_is_no_other_key():
    of_this = derived_key(DATA_KEY, purpose=b"AML1-name", record_id=RECORD)
    of_other = derived_key(DATA_KEY, purpose=b"AML1-name", record_id=OTHER_RECORD)
    assert len({of_this, of_other, DATA_KEY, key_commitment(DATA_KEY, RECORD)}) == 4
