"""Every file of a data set has its outcome, whatever it is."""

import io
import struct
import tracemalloc
import zipfile

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from diagnosis.imaging.decoding import decode
from diagnosis.imaging.desensitising import desensitise
from diagnosis.intake.archive import opened
from diagnosis.intake.errors import ArchiveRefused
from diagnosis.intake.labels import parse_label
from diagnosis.intake.limits import MAX_FILES
from diagnosis.intake.outcomes import Status, from_json, to_json
from diagnosis.intake.set_archive import pack, unpack
from tests.cast import picture
from tests.diagnosis.imaging.files import PATIENT_ID, dicom, encoded
from tests.diagnosis.imaging.files import picture as pixels
from tests.diagnosis.intake.archives import (
    labelled_set,
    looked_at,
    only,
    outcomes,
    zipped,
)

A, B = picture(1), picture(2)


def refused(files: dict[str, bytes], *, labelled: bool = False) -> str:
    outcome = only(files, labelled=labelled)
    assert outcome.status is Status.REFUSED
    assert outcome.number is None
    return outcome.sentence


# What is right.


def test_folders_label_their_files():
    found = outcomes(labelled_set(), labelled=True)
    assert [o.label for o in found] == ["SFU 0-2"] * 2 + ["SFU 3"] * 2 + ["SFU 4"] * 2
    assert [o.number for o in found] == [1, 2, 3, 4, 5, 6]
    assert len({o.group for o in found}) == 6


def test_a_folder_of_dicom_files_needs_no_label():
    found = outcomes({"a.dcm": dicom(pixels(200, 240)), "DICOMDIR": b"DICM"})
    assert [o.status for o in found] == [Status.USED, Status.IGNORED]
    assert found[0].label is None


def test_what_is_sent_is_what_a_doctor_would_send():
    (each,) = looked_at(zipped({"a.dcm": dicom(pixels(200, 240))}))
    assert each.png == desensitise(decode(dicom(pixels(200, 240)))).png
    assert PATIENT_ID.encode() not in (each.png or b"")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
@pytest.mark.parametrize("mark", [",", ";", "\t"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_list_labels_however_a_spreadsheet_wrote_it(encoding, mark, end):
    rows = [["File", "Grade", "Patient"], ["é/a.png", "SFU 3", "7"], ["b.png", "1", ""]]
    listed = end.join(mark.join(row) for row in rows).encode(encoding)
    found = outcomes({"d/é/a.png": A, "d/b.png": B, "d/l.csv": listed}, labelled=True)
    assert [o.label for o in found] == ["SFU 3", "SFU 0-2", None]
    assert found[2].status is Status.IGNORED


@pytest.mark.parametrize(
    ("written", "grade"),
    [
        ("SFU 0-2", "SFU 0-2"),
        ("SFU_0-2", "SFU 0-2"),
        ("sfu 0–2", "SFU 0-2"),
        ("SFU-3", "SFU 3"),
        ("grade 4", "SFU 4"),
        ("SFU grade: 2", "SFU 0-2"),
        (" 3 ", "SFU 3"),
        ("5", None),
        ("", None),
        ("-3", "SFU 3"),
        ("34", None),
        ("SFU 3-4", None),
        ("normal", None),
    ],
)
def test_a_grade_however_it_is_written(written: str, grade: str | None):
    assert parse_label(written) == grade


def test_the_outcomes_come_back_from_json():
    found = outcomes(labelled_set(), labelled=True)
    assert from_json(to_json(found)) == found


# What is odd.


def test_the_same_pixels_are_taken_once():
    as_dicom = dicom(np.array(decode(A).pixels))
    first, second, third = outcomes({"a.png": A, "b.png": A, "c.dcm": as_dicom})
    assert first.status is Status.USED
    assert second.sentence == "Shows the very same pixels as a.png."
    assert third.sentence in {"", second.sentence}


def test_a_patient_in_two_classes_is_said_and_used():
    listed = b"file,label,patient\na.png,SFU 3,7\nb.png,SFU 4,7\n"
    first, second, _ = outcomes({"a.png": A, "b.png": B, "l.csv": listed})
    assert (first.group, first.sentence) == (second.group, "")
    assert second.status is Status.USED
    assert "labelled SFU 3, too" in second.sentence


def test_dicom_files_of_one_patient_are_one_group_that_says_nothing():
    one, two = (dicom(pixels(200, 240, seed=seed)) for seed in (1, 9))
    first, second = outcomes({"a.dcm": one, "b.dcm": two})
    assert first.group == second.group
    assert PATIENT_ID not in first.group


def test_a_patient_is_a_folder_under_the_class():
    first, second = outcomes({"SFU 3/kim/a.png": A, "SFU 3/kim/b.png": B})
    assert first.group == second.group


def test_rows_that_repeat_or_contradict():
    listed = b"file,label\na.png,3\na.png,3\nb.png,3\nb.png,4\ngone.png,3\n"
    first, second, _, gone = outcomes({"a.png": A, "b.png": B, "l.csv": listed})
    assert "more than once" in first.sentence
    assert "two different labels" in second.sentence
    assert gone.name == "gone.png"
    assert "not in the archive" in gone.sentence


@pytest.mark.parametrize(
    ("row", "sentence"),
    [
        ("a.png,mild", "labels this file “mild”, which is none of SFU 0-2"),
        ("a.png,", "no label for this file"),
        ("b.png,3", "no row for this file"),
    ],
)
def test_a_label_that_nobody_knows(row: str, sentence: str):
    listed = f"file,label\n{row}\n".encode()
    found = outcomes({"a.png": A, "l.csv": listed}, labelled=True)
    assert sentence in found[0].sentence


def test_a_folder_that_is_no_class():
    assert "“left kidneys” is none of" in refused(
        {"left kidneys/a.png": A}, labelled=True
    )
    assert "no folder is none of" in refused({"a.png": A}, labelled=True)


# What is bad.


def test_files_that_are_no_ultrasound():
    assert "computed tomography" in refused(
        {"a.dcm": dicom(pixels(200, 240), modality="CT")}
    )
    assert "a PDF document" in refused({"a.png": b"%PDF-1.7"})
    assert "each side needs at least 64" in refused({"a.png": encoded(pixels(63, 99))})
    assert "empty" in refused({"a.png": b""})
    assert refused({"a.png": A[:-30]})


def test_an_archive_in_the_archive_is_not_opened():
    assert "a ZIP archive" in refused({"inner.zip": zipped({"a.png": A})})


@pytest.mark.parametrize(
    "name", ["../a.png", "/etc/a.png", "a/../../b.png", "..\\a.png", "C:\\a.png"]
)
def test_a_name_that_leads_outside(name: str):
    assert "leads out of the archive" in refused({name: A})


def with_header(
    data: bytes, changes: dict[int, bytes], local: dict[int, bytes]
) -> bytes:
    """The archive of one file with other bytes in its two headers."""
    changed = bytearray(data)
    for mark, edits in ((b"PK\x01\x02", changes), (b"PK\x03\x04", local)):
        at = changed.index(mark)
        for offset, value in edits.items():
            changed[at + offset : at + offset + len(value)] = value
    return bytes(changed)


def sentence_of(data: bytes) -> str:
    (each,) = looked_at(data)
    assert each.outcome.status is Status.REFUSED
    return each.outcome.sentence


def test_an_encrypted_file():
    data = with_header(zipped({"a.png": A}), {8: b"\x01\x00"}, {6: b"\x01\x00"})
    assert "without a password" in sentence_of(data)


def test_a_file_compressed_by_a_method_with_endless_memory():
    assert "rare way" in sentence_of(zipped({"a.png": A}, zipfile.ZIP_LZMA))


def test_a_bomb_is_not_inflated():
    size = 200 << 20
    stream = io.BytesIO()
    with (
        zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("bomb.png", "w", force_zip64=True) as out,
    ):
        for _ in range(size >> 20):
            out.write(bytes(1 << 20))
    assert len(stream.getvalue()) < size / 500
    tracemalloc.start()
    assert "200 MiB inflated" in sentence_of(stream.getvalue())
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 8 << 20


def test_a_bomb_that_lies_about_its_size_is_not_inflated():
    small = struct.pack("<L", 100)
    data = with_header(zipped({"a.png": bytes(64 << 20)}), {24: small}, {22: small})
    tracemalloc.start()
    assert "damaged inside the archive" in sentence_of(data)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 8 << 20


def test_files_that_are_too_much_together(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("diagnosis.intake.archive.MAX_INFLATED", len(A) + 10)
    first, second = outcomes({"a.png": A, "b.png": B})
    assert first.status is Status.USED
    assert "from here on none is read" in second.sentence


@pytest.mark.slow
def test_a_hundred_thousand_files_are_refused_before_they_are_listed():
    data = zipped({f"{n}.png": b"" for n in range(100_000)}, zipfile.ZIP_STORED)
    tracemalloc.start()
    with pytest.raises(ArchiveRefused, match="100,000 files; at most 20,000"):
        looked_at(data)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 4 << 20


def test_as_many_files_as_are_allowed_have_an_outcome_each():
    found = outcomes({f"{n}.png": b"no" for n in range(2000)})
    assert len(found) == 2000 < MAX_FILES
    assert {o.status for o in found} == {Status.REFUSED}


def test_two_files_of_one_name():
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("a.png", A)
        with pytest.warns(UserWarning, match="Duplicate name"):
            archive.writestr("a.png", B)
    first, second = looked_at(stream.getvalue())
    assert first.outcome.status is Status.USED
    assert "this very name" in second.outcome.sentence


@pytest.mark.parametrize(
    "data", [b"", b"PK", b"no archive", A, zipped({}), zipped({"a.png": A})[:-5]]
)
def test_no_archive(data: bytes):
    with pytest.raises(ArchiveRefused):
        looked_at(data)


@pytest.mark.parametrize(
    ("listed", "sentence"),
    [
        (b"", "names no files"),
        (b"who,what\na,b\n", "names no files"),
        (b'file,label\n"' + b"x" * 200_000 + b'",3\n', "cannot be read"),
        (bytes(9 << 20), "cannot be read"),
    ],
)
def test_a_list_that_cannot_be_read(listed: bytes, sentence: str):
    with pytest.raises(ArchiveRefused, match=sentence):
        outcomes({"a.png": A, "l.csv": listed})


def test_several_lists():
    with pytest.raises(ArchiveRefused, match="holds 2 lists"):
        outcomes({"a.csv": b"file,label\n", "b.csv": b"file,label\n"})


@settings(max_examples=150)
@given(st.data())
def test_whatever_is_changed_in_an_archive_it_is_refused_or_has_outcomes(data):
    whole = bytearray(zipped(labelled_set(1) | {"l.csv": b"file,label\n0.png,3\n"}))
    for _ in range(data.draw(st.integers(1, 6))):
        # Most of the archive is pixels; what steers its reader stands at the end.
        place = data.draw(st.integers(1, 500) | st.integers(1, len(whole)))
        whole[-place] = data.draw(st.integers(0, 255))
    cut = data.draw(st.sampled_from([0, 0, 1, 30, 100]))
    try:
        found = looked_at(bytes(whole[cut:]), labelled=data.draw(st.booleans()))
    except ArchiveRefused:
        return
    for each in found:
        used = each.outcome.status is Status.USED
        assert used == (each.png is not None) == (each.outcome.number is not None)
        assert used or each.outcome.sentence


# The set that the service gets.


def test_what_is_packed_comes_out_from_wherever_one_goes_on():
    pictures = [b"x" * n for n in (1, 511, 512, 513, 40_000)]
    whole = b"".join(pack(pictures))
    assert b"".join(pack(pictures)) == whole
    assert list(unpack([whole])) == list(enumerate(pictures, start=1))
    pieces = [whole[at : at + 777] for at in range(0, len(whole), 777)]
    assert list(unpack(pieces, after=3)) == [(4, pictures[3]), (5, pictures[4])]


@pytest.mark.parametrize(
    "stream", [b"x" * 2048, b"".join(pack([A]))[:600], b"".join(pack([A]))[1024:]]
)
def test_what_is_no_set_is_refused(stream: bytes):
    with pytest.raises(ArchiveRefused):
        list(unpack([stream]))


def test_nothing_is_written_outside_of_memory(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with opened(io.BytesIO(zipped(labelled_set()))) as archive:
        archive.read(archive.members[0])
    assert not list(tmp_path.iterdir())
