"""Names are sealed to one length for one reader."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from records.encryption.errors import NameRejected, WrapRejected
from records.encryption.names import SEALED_NAME_LENGTH, open_name, seal_name
from records.encryption.wrapping import oaep, unwrap_key
from tests.records.changes import changed
from tests.records.encryption.conftest import OTHER_RECORD, RECORD, above_modulus


def seal_for(reader, name):
    return seal_name(
        name,
        public_key=reader.public_key,
        record_id=RECORD,
        recipient_key_id=reader.key_id,
    )


def open_by(reader, sealed, *, record_id=RECORD):
    return open_name(
        sealed,
        private_key=reader.private_key,
        record_id=record_id,
        recipient_key_id=reader.key_id,
    )


@given(name=st.text(max_size=60))
@settings(max_examples=25, deadline=None)
def test_a_name_comes_back_and_its_length_does_not_show(alice, name):
    sealed = seal_for(alice, name)
    assert len(sealed) == SEALED_NAME_LENGTH
    assert open_by(alice, sealed) == name


def test_the_longest_name_fits(alice):
    name = "ä" * 127 + "x"
    assert open_by(alice, seal_for(alice, name)) == name


@pytest.mark.parametrize("name", ["x" * 256, "ä" * 128, "\ud800"])
def test_a_name_too_long_or_not_text_is_refused(alice, name):
    with pytest.raises(NameRejected):
        seal_for(alice, name)


def test_a_name_opens_for_its_reader_and_record_only(alice, bob):
    sealed = seal_for(alice, "kidney left.dcm")
    with pytest.raises(NameRejected):
        open_by(bob, sealed)
    with pytest.raises(NameRejected):
        open_by(alice, sealed, record_id=OTHER_RECORD)


@given(
    at=st.integers(0, SEALED_NAME_LENGTH - 1),
    digit=st.sampled_from("0123456789abcdefAg \u0660"),
)
@settings(max_examples=40, deadline=None)
def test_any_changed_digit_is_refused(alice, at, digit):
    sealed = seal_for(alice, "kidney left.dcm")
    changed = sealed[:at] + digit + sealed[at + 1 :]
    if changed != sealed:
        with pytest.raises(NameRejected):
            open_by(alice, changed)


TEXT = st.text("0123456789abcdefABF \n\u0660", max_size=40)


@given(data=st.data())
@settings(max_examples=100)
def test_any_change_of_a_sealed_name_is_refused(alice, data):
    sealed = seal_for(alice, "kidney left.dcm")
    made = data.draw(changed(sealed, TEXT))
    with pytest.raises(NameRejected):
        open_by(alice, made)


def test_the_same_number_written_otherwise_is_refused(alice):
    sealed = seal_for(alice, "kidney left.dcm")
    larger = above_modulus(lambda: bytes.fromhex(seal_for(alice, "kidney")), alice)
    for made in (sealed.upper(), f"00{sealed}", f" {sealed}", f"0x{sealed}"):
        with pytest.raises(NameRejected):
            open_by(alice, made)
    with pytest.raises(NameRejected):
        open_by(alice, larger.hex())


@pytest.mark.parametrize("sealed", ["", "00", "zz" * 384, "00" * 384, "AA" * 384])
def test_other_text_is_refused(alice, sealed):
    with pytest.raises(NameRejected):
        open_by(alice, sealed)


@pytest.mark.parametrize(
    "plain",
    [b"", b"\x05kid", b"\x01a" + b"x" * 254, b"\x01\xff" + bytes(254), bytes(255)],
)
def test_sealed_bytes_of_another_form_are_refused(alice, plain):
    label = oaep(b"AML1-name" + RECORD + alice.key_id)
    with pytest.raises(NameRejected):
        open_by(alice, alice.public_key.encrypt(plain, label).hex())


def test_a_sealed_name_is_no_key_wrap(alice):
    with pytest.raises(WrapRejected):
        unwrap_key(
            bytes.fromhex(seal_for(alice, "x" * 31)),
            private_key=alice.private_key,
            record_id=RECORD,
            recipient_key_id=alice.key_id,
        )
