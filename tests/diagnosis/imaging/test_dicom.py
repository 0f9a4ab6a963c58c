"""DICOM ultrasounds become the pixels a viewer would show."""

from typing import Any

import numpy as np
import pytest
from PIL import Image
from pydicom.dataset import FileMetaDataset
from pydicom.encaps import encapsulate, generate_frames
from pydicom.pixels.utils import pixel_array
from pydicom.uid import (
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    RLELossless,
)

from diagnosis.imaging.decoding import decode, inspect
from diagnosis.imaging.errors import ImageRefused
from tests.diagnosis.imaging.files import dataset, dicom, jpeg_dicom, picture, saved

GREY, RGB = picture(), picture(colour=True)
DEEP = GREY.astype(np.uint16) * 16


@pytest.mark.parametrize(
    "syntax", [ImplicitVRLittleEndian, ExplicitVRLittleEndian, RLELossless]
)
@pytest.mark.parametrize("frames", [GREY, RGB[None]], ids=["grey", "colour"])
def test_every_lossless_syntax_gives_the_same_pixels(frames, syntax):
    found = dataset(frames)
    if syntax == RLELossless:
        found.compress(RLELossless)
    found.file_meta.TransferSyntaxUID = syntax
    expected = frames if frames.ndim == 2 else frames[0]

    image = decode(saved(found))

    np.testing.assert_array_equal(image.pixels, expected)
    assert (image.format, image.frame, image.frames) == ("dicom", 0, 1)


def test_big_endian_files_are_read():
    found = dataset(DEEP.astype(">u2"), syntax=ExplicitVRBigEndian)
    found["PixelData"].VR = "OW"
    expected = decode(dicom(DEEP)).pixels

    np.testing.assert_array_equal(decode(saved(found)).pixels, expected)


@pytest.mark.parametrize("compressed", [False, True])
def test_only_the_frame_asked_for_is_returned(compressed):
    frames = [picture(colour=True, seed=seed) for seed in (0, 40, 80)]
    found = dataset(np.stack(frames))
    if compressed:
        found.compress(RLELossless)
    data = saved(found)

    assert inspect(data).frames == 3
    for index, frame in enumerate(frames):
        image = decode(data, frame=index)
        np.testing.assert_array_equal(image.pixels, frame)
        assert (image.frame, image.frames) == (index, 3)


def test_a_damaged_frame_does_not_spoil_its_neighbours():
    data = jpeg_dicom([RGB, RGB])
    second = data.rindex(b"\xff\xd8\xff")
    damaged = data[: second + 3] + bytes(500) + data[second + 503 :]

    assert decode(damaged, frame=0).pixels.shape == RGB.shape
    with pytest.raises(ImageRefused, match="Frame 2 of this file is damaged"):
        decode(damaged, frame=1)


@pytest.mark.parametrize("count", [1, 3])
def test_jpeg_baseline_frames_are_read(count):
    frames = [picture(colour=True, seed=seed) for seed in range(count)]
    image = decode(jpeg_dicom(frames), frame=count - 1)

    assert np.abs(image.pixels.astype(int) - frames[-1]).mean() < 3


def test_grey_jpeg_frames_are_read():
    image = decode(jpeg_dicom([GREY]))

    assert image.pixels.shape == GREY.shape
    assert np.abs(image.pixels.astype(int) - GREY).mean() < 3


def test_separate_colour_planes_are_put_together():
    planes = np.ascontiguousarray(RGB.transpose(2, 0, 1))
    data = dicom(RGB[None], PlanarConfiguration=1, PixelData=planes.tobytes())

    np.testing.assert_array_equal(decode(data).pixels, RGB)


def test_ybr_full_becomes_rgb():
    ybr = np.asarray(Image.fromarray(RGB).convert("YCbCr"))
    image = decode(dicom(ybr[None], PhotometricInterpretation="YBR_FULL"))

    assert np.abs(image.pixels.astype(int) - RGB).max() <= 3


def test_ybr_full_422_becomes_rgb():
    ybr = np.asarray(Image.fromarray(RGB).convert("YCbCr"))
    halved = np.empty((*GREY.shape, 2), np.uint8)
    halved[..., 0] = ybr[..., 0]
    halved[:, ::2, 1], halved[:, 1::2, 1] = ybr[:, ::2, 1], ybr[:, ::2, 2]
    pairs = halved.reshape(80, 48, 2, 2)
    stored = np.stack(
        [pairs[..., 0, 0], pairs[..., 1, 0], pairs[..., 0, 1], pairs[..., 1, 1]], -1
    )
    data = dicom(
        RGB[None],
        PhotometricInterpretation="YBR_FULL_422",
        PixelData=stored.tobytes(),
    )

    assert np.abs(decode(data).pixels.astype(int) - RGB).max() <= 8


def test_16_bit_colour_keeps_its_upper_byte():
    image = decode(dicom(RGB[None].astype(np.uint16) * 256))

    np.testing.assert_array_equal(image.pixels, RGB)


def test_16_bit_rle_is_read():
    found = dataset(DEEP)
    found.compress(RLELossless)

    np.testing.assert_array_equal(
        decode(saved(found)).pixels, decode(dicom(DEEP)).pixels
    )


@pytest.mark.parametrize("depth", [8, 16])
def test_palette_colour_becomes_rgb(depth):
    palette = np.stack([np.arange(256), np.arange(256)[::-1], np.full(256, 7)])
    stored = palette.astype(np.uint8) if depth == 8 else palette.astype("<u2") * 256
    elements: dict[str, Any] = {"PhotometricInterpretation": "PALETTE COLOR"}
    for name, entries in zip(("Red", "Green", "Blue"), stored, strict=True):
        elements[f"{name}PaletteColorLookupTableDescriptor"] = [256, 0, depth]
        elements[f"{name}PaletteColorLookupTableData"] = entries.tobytes()

    pixels = decode(dicom(GREY, **elements)).pixels

    np.testing.assert_array_equal(pixels, palette.T.astype(np.uint8)[GREY])


def test_16_bit_grey_without_a_window_is_stretched_to_what_it_holds():
    pixels = decode(dicom(DEEP, BitsStored=12, HighBit=11)).pixels

    assert (pixels.min(), pixels.max()) == (0, 255)
    assert (np.diff(pixels.ravel()[np.argsort(DEEP.ravel())].astype(int)) >= 0).all()


def test_a_constant_16_bit_frame_is_black():
    assert not decode(dicom(np.full_like(DEEP, 900))).pixels.any()


def test_a_window_maps_its_width_to_black_and_white():
    ramp = np.tile(np.arange(0, 4096, 32, dtype=np.uint16), (64, 1))
    pixels = decode(
        dicom(ramp, BitsStored=12, HighBit=11, WindowCenter=1000, WindowWidth=401)
    ).pixels

    black, white = ramp[0] <= 799, ramp[0] > 1199
    assert not pixels[:, black].any()
    assert (pixels[:, white] == 255).all()
    # PS3.3 C.11.2.1.2.1, at the value 992
    assert pixels[0, 31] == round(((992 - 999.5) / 400 + 0.5) * 255)


def test_a_window_lies_on_the_rescaled_values():
    signed = (DEEP.astype(np.int16) - 2000) * 4
    window = {"WindowCenter": 100, "WindowWidth": 500}
    plain = decode(dicom(signed, **window))
    moved = {"WindowCenter": ["1210", "1"], "WindowWidth": ["5000", "1"]}
    scaled = decode(dicom(signed, RescaleSlope=10, RescaleIntercept=210, **moved))

    assert np.abs(plain.pixels.astype(int) - scaled.pixels).max() <= 1


@pytest.mark.parametrize(
    "window",
    [
        {"WindowCenter": "", "WindowWidth": ""},
        {"WindowCenter": 128},
        {"WindowCenter": 128, "WindowWidth": 0},
    ],
)
def test_a_window_that_cannot_be_applied_is_passed_over(window):
    np.testing.assert_array_equal(decode(dicom(GREY, **window)).pixels, GREY)


def test_monochrome1_is_shown_inverted():
    image = decode(dicom(GREY, PhotometricInterpretation="MONOCHROME1"))

    np.testing.assert_array_equal(image.pixels, 255 - GREY)


def test_bits_below_eight_are_stretched_to_the_full_range():
    pixels = decode(dicom(GREY // 16, BitsStored=4, HighBit=3)).pixels

    np.testing.assert_array_equal(pixels, GREY // 16 * 17)


def test_padding_after_the_last_frame_is_no_harm():
    data = dicom(GREY, PixelData=GREY.tobytes() + bytes(64))

    np.testing.assert_array_equal(decode(data).pixels, GREY)


def test_no_frames_at_all_means_one():
    np.testing.assert_array_equal(decode(dicom(GREY, NumberOfFrames=0)).pixels, GREY)


def test_a_name_in_an_unknown_script_is_no_harm():
    found = dataset(GREY)
    found.SpecificCharacterSet = "ISO_IR 100"
    data = saved(found).replace(b"ISO_IR 100", b"ISO_IR 999")

    np.testing.assert_array_equal(decode(data).pixels, GREY)


@pytest.mark.parametrize(
    "name",
    [
        "SC_rgb_jpeg_dcmtk.dcm",
        "SC_rgb_dcmtk_+eb+cr.dcm",
        "SC_rgb_dcmtk_+eb+cy+n1.dcm",
        "SC_rgb_dcmtk_+eb+cy+n2.dcm",
        "SC_rgb_dcmtk_+eb+cy+np.dcm",
        "SC_rgb_dcmtk_+eb+cy+s2.dcm",
        "SC_rgb_dcmtk_+eb+cy+s4.dcm",
        "SC_rgb_jpeg_lossy_gdcm.dcm",
        "SC_rgb_rle.dcm",
        "SC_rgb_rle_2frame.dcm",
        "SC_ybr_full_422_uncompressed.dcm",
        "SC_jpeg_no_color_transform.dcm",
        "SC_jpeg_no_color_transform_2.dcm",
    ],
)
@pytest.mark.filterwarnings("ignore:.*'Photometric Interpretation' value is")
def test_colours_agree_with_pydicom(name, example):
    """Test patterns of other toolkits, with their modality changed to ours."""
    found = example(name)
    found.Modality = "US"
    assert isinstance(found.file_meta, FileMetaDataset)

    image = decode(saved(found))

    expected = pixel_array(found, index=0).astype(int)
    assert np.abs(image.pixels - expected).max() <= 2


def test_frames_without_an_offset_table_are_found():
    found = dataset(np.stack([GREY, GREY[::-1]]))
    found.compress(RLELossless)
    parts = list(generate_frames(found.PixelData, number_of_frames=2))
    found.PixelData = encapsulate(parts, has_bot=False)

    np.testing.assert_array_equal(decode(saved(found), frame=1).pixels, GREY[::-1])
