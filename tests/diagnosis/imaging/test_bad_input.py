"""What is no usable ultrasound is refused in a sentence."""

import tracemalloc
import zlib

import numpy as np
import pytest
from pydicom.uid import (
    JPEG2000,
    DeflatedExplicitVRLittleEndian,
    JPEGLSLossless,
    RLELossless,
)

from diagnosis.imaging.decoding import decode, inspect
from diagnosis.imaging.errors import ImageRefused
from diagnosis.imaging.modalities import MODALITY_WORDS
from tests.diagnosis.imaging.files import (
    chunk,
    dataset,
    dicom,
    encoded,
    jpeg_dicom,
    picture,
    png_of,
    saved,
)

GREY, RGB = picture(), picture(colour=True)


def refusal(data, **options):
    """The sentence with which both readers refuse a file."""
    with pytest.raises(ImageRefused) as refused:
        decode(data, **options)
    assert refused.value.sentence == str(refused.value)
    return refused.value.sentence


def without(keyword, **elements):
    found = dataset(GREY, **elements)
    delattr(found, keyword)
    return saved(found)


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"", "This file is empty."),
        (b"not an image at all\n", "This file is text; only PNG"),
        ("Prénom".encode() * 300, "This file is text; only PNG"),
        (bytes(range(256)), "This file is of an unknown kind; only PNG"),
        (b"%PDF-1.7\n", "This file is a PDF document; only PNG"),
        (b"GIF89a", "This file is a GIF image; only PNG"),
        (b"\x1f\x8b\x08", "This file is a compressed archive; only PNG"),
    ],
)
def test_a_file_of_another_kind_is_named(data, sentence):
    assert refusal(data).startswith(sentence)
    with pytest.raises(ImageRefused, match=sentence):
        inspect(data)


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_a_file_cut_anywhere_is_refused(kind):
    whole = encoded(RGB, kind)

    for length in range(12, len(whole) - 1, 97):
        assert refusal(whole[:length]).startswith(f"This {kind} file is ")
    assert refusal(whole[:-1]) == f"This {kind} file is cut short: its end is missing."


def test_a_png_with_a_wrong_checksum_is_refused():
    damaged = bytearray(encoded(GREY))
    damaged[-30] ^= 1

    assert refusal(bytes(damaged)) == "This PNG file is damaged."


def test_a_huge_png_is_refused_from_its_header():
    bomb = png_of(30_000, 30_000, body=bytes(10_000))
    inspect(encoded(GREY))
    tracemalloc.start()

    sentence = refusal(bomb)

    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert sentence == (
        "This image is 30,000 × 30,000 pixels; at most 50 million pixels can be read."
    )
    assert peak < 1_000_000


def test_a_huge_jpeg_is_refused_from_its_header():
    data = bytearray(encoded(GREY, "JPEG"))
    at = data.index(b"\xff\xc0")
    data[at + 5 : at + 9] = b"\xff\xff\xff\xff"

    assert refusal(bytes(data)).startswith("This image is 65,535 × 65,535 pixels")


def test_a_text_bomb_in_a_png_is_refused():
    bomb = chunk(b"zTXt", b"k\0\0" + zlib.compress(bytes(50_000_000)))

    assert refusal(png_of(96, 80, extra=bomb)) == "This PNG file is damaged."


def test_a_jpeg_of_a_thousand_scans_is_refused():
    data = encoded(GREY, "JPEG", progressive=True)
    scan = data[data.rindex(b"\xff\xda") : -2]

    sentence = refusal(data[:-2] + scan * 1000 + data[-2:])
    assert sentence == "This JPEG file has more than 100 scans."


@pytest.mark.parametrize("build", [encoded, dicom])
def test_an_icon_is_refused(build):
    assert refusal(build(picture(64, 63))) == (
        "This image is 63 × 64 pixels; each side needs at least 64."
    )


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("CT", "a computed tomography (CT)"),
        ("MR", "a magnetic resonance image (MR)"),
        ("IVUS", "an intravascular catheter scan (IVUS)"),
        ("ZZ", "of the unknown modality “ZZ”"),
    ],
)
def test_another_modality_is_named(code, words):
    expected = f"This DICOM file is {words}, not an ultrasound."

    assert refusal(dicom(GREY, modality=code)) == expected


def test_every_modality_has_words_with_an_article():
    assert all(words.split()[0] in {"a", "an"} for words in MODALITY_WORDS.values())
    assert "US" not in MODALITY_WORDS


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (without("PixelData"), "This DICOM file holds no image."),
        (dicom(GREY, PixelData=b""), "This DICOM file holds no image."),
        (without("Modality"), "This DICOM file does not name its modality."),
        (without("PixelData", modality="SR"), "structured report (SR), not an ultra"),
        (without("Rows"), "This DICOM file is damaged or cut short."),
        (dicom(GREY, BitsAllocated=1, BitsStored=1), "1 of 1 bits per sample"),
        (dicom(GREY, SamplesPerPixel=3), "cut short: it claims 1 × 7,680 pixels"),
        (dicom(GREY, PhotometricInterpretation="HSV"), "“HSV”, which cannot be read"),
        (dicom(GREY, PhotometricInterpretation="PALETTE COLOR"), "palette is segm"),
        (dicom(GREY, NumberOfFrames="-3"), "claims to have -3 frames"),
        (dicom(GREY, NumberOfFrames="2147483647"), "claims 2,147,483,647 × 7,680 pix"),
        (dicom(GREY, Rows=65535, Columns=65535), "65,535 × 65,535 pixels; at most"),
        (dicom(GREY, NumberOfFrames="2"), "cut short: it claims 2 × 7,680 pixels"),
    ],
)
def test_a_dicom_file_that_cannot_be_used_says_why(data, sentence):
    assert sentence in refusal(data)


def test_a_list_of_contents_is_refused_by_name(shipped):
    assert refusal(shipped("dicomdirtests/DICOMDIR")).startswith("This is a DICOMDIR")


def test_a_dicom_file_without_a_transfer_syntax_is_refused(shipped):
    sentence = refusal(shipped("meta_missing_tsyntax.dcm"))

    assert sentence == "This DICOM file does not say how its pixels are stored."


@pytest.mark.parametrize(
    "syntax", [JPEG2000, JPEGLSLossless, DeflatedExplicitVRLittleEndian]
)
def test_an_unsupported_transfer_syntax_is_named(syntax):
    found = dataset(GREY, syntax=syntax)
    if syntax.is_encapsulated:
        found["PixelData"].VR = "OB"
        found["PixelData"].is_undefined_length = True
        found.PixelData = b"\xfe\xff\x00\xe0\0\0\0\0\xfe\xff\xdd\xe0\0\0\0\0"

    assert f"stores its pixels as {syntax.name}, which cannot be read" in refusal(
        saved(found)
    )


def test_a_frame_out_of_range_is_refused_in_words_that_count_from_one():
    data = dicom(np.stack([GREY] * 3))

    assert refusal(data, frame=3) == "There is no frame 4: this file has 3 frames."
    assert refusal(data, frame=-1) == "There is no frame 0: this file has 3 frames."


def test_a_dicom_file_cut_anywhere_is_refused():
    whole = jpeg_dicom([RGB, RGB])

    for length in range(132, len(whole) - 20, 211):
        assert refusal(whole[:length], frame=1)


def test_a_cut_jpeg_frame_is_refused_though_its_container_is_whole():
    found = dataset(RGB[None], syntax="1.2.840.10008.1.2.4.50")
    found.PhotometricInterpretation = "YBR_FULL_422"
    half = encoded(RGB, "JPEG")[:900]
    item = b"\xfe\xff\x00\xe0"
    found.PixelData = (
        item + bytes(4) + item + len(half).to_bytes(4, "little") + half
    ) + b"\xfe\xff\xdd\xe0\0\0\0\0"
    found["PixelData"].VR = "OB"

    assert refusal(saved(found)) == "This JPEG file is cut short: its end is missing."


def test_a_jpeg_frame_of_another_size_is_refused():
    data = jpeg_dicom([picture(160, 160, colour=True)], Rows=80, Columns=80)

    assert "has another size than the file says" in refusal(data)


def test_an_rle_frame_that_unpacks_to_a_bomb_stays_small():
    """A hundred times more runs than the header admits are never unpacked."""
    runs = b"\x81\x00" * 600_000  # 2 bytes to 128, 77 MB in all
    frame = np.array([1, 64] + [0] * 14, dtype="<u4").tobytes() + runs
    found = dataset(GREY, syntax=RLELossless)
    item = b"\xfe\xff\x00\xe0"
    found.PixelData = (
        item + bytes(4) + item + len(frame).to_bytes(4, "little") + frame
    ) + b"\xfe\xff\xdd\xe0\0\0\0\0"
    found["PixelData"].VR = "OB"
    data = saved(found)
    decode(dicom(GREY))
    tracemalloc.start()

    image = decode(data)

    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert not image.pixels.any()
    assert peak < 8 * len(data)


def test_a_million_empty_items_are_refused():
    found = dicom(GREY) + b"\xfe\xff\x00\xe0\0\0\0\0" * 100_001

    assert refusal(found) == "This DICOM file has more than 100,000 items."


def test_memory_follows_one_frame_and_not_all_of_them():
    frames = np.stack([picture(300, 400, colour=True)] * 20)
    data = dicom(frames)
    decode(dicom(frames[:1]))
    tracemalloc.start()

    decode(data, frame=19)

    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < len(data) + 6 * frames[0].nbytes
