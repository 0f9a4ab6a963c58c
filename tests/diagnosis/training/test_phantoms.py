"""Synthetic kidneys: the same for the same seed, exact in their masks."""

import io
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from diagnosis.grading.scale import Grade
from diagnosis.training.anatomy import DILATIONS, draw_kidney
from diagnosis.training.phantoms import SIZE, make_phantom, sample_image
from diagnosis.training.ultrasound import speckle

KINDS = [*Grade, None]
SMALL = (192, 256)  # the laws hold at any size, and small frames are quick


def share(phantom):
    """Fluid ÷ (kidney + fluid)."""
    return (phantom.mask == 2).sum() / (phantom.mask > 0).sum()


@pytest.mark.parametrize("grade", KINDS)
def test_the_same_seed_gives_the_same_frame(grade):
    first, second = (make_phantom(grade, 7, size=SMALL) for _ in range(2))
    np.testing.assert_array_equal(first.pixels, second.pixels)
    np.testing.assert_array_equal(first.mask, second.mask)
    assert not np.array_equal(first.pixels, make_phantom(grade, 8, size=SMALL).pixels)


@pytest.mark.parametrize("grade", KINDS)
def test_frames_are_bytes_of_the_papers_size(grade):
    phantom = make_phantom(grade, 0)
    assert phantom.pixels.shape == phantom.mask.shape == SIZE
    assert phantom.pixels.dtype == phantom.mask.dtype == np.uint8
    assert phantom.grade is grade


def test_without_a_kidney_the_mask_is_empty():
    assert make_phantom(None, 3, size=SMALL).mask.max() == 0


@pytest.mark.parametrize("grade", Grade)
def test_a_kidney_takes_a_sane_share_of_the_frame(grade):
    for seed in range(4):
        mask = make_phantom(grade, seed, size=SMALL).mask
        assert 0.02 < (mask > 0).mean() < 0.6


def test_fluid_grows_with_the_grade():
    means = [
        np.mean([share(make_phantom(grade, seed, size=SMALL)) for seed in range(6)])
        for grade in Grade
    ]
    assert means[0] < 0.15 < means[1] < 0.5 < means[2]


def test_parenchyma_thins_only_in_the_last_grade():
    depth = {
        grade: [d.limit for d in dilations] for grade, dilations in DILATIONS.items()
    }
    assert max(high for _, high in depth[Grade.SFU_3]) < 0.8
    assert min(low for low, _ in depth[Grade.SFU_4]) > 0.8


def test_all_calyces_open_from_grade_3_on():
    assert all(d.calyces[1] <= 3 for d in DILATIONS[Grade.SFU_0_2])
    assert all(
        d.calyces[0] >= 6 for g in (Grade.SFU_3, Grade.SFU_4) for d in DILATIONS[g]
    )


@pytest.mark.parametrize("grade", Grade)
def test_fluid_is_dark_in_the_picture_where_the_mask_says_so(grade):
    for seed in range(20, 24):
        phantom = make_phantom(grade, seed, size=SMALL)
        fluid, tissue = phantom.mask == 2, phantom.mask == 1
        if fluid.sum() > 100:
            assert phantom.pixels[fluid].mean() < phantom.pixels[tissue].mean()


def test_the_mask_is_the_anatomy_at_every_pixel():
    kidney = draw_kidney(
        np.random.default_rng(3), Grade.SFU_4, centre=(300.0, 200.0), length=120.0
    )
    y, x = np.mgrid[:400, :600].astype(np.float32)
    fields = kidney.fields(x, y)
    inside = fields.reach < 1
    # The outline is a closed curve around the centre, the fluid lies within it
    # save where the pelvis leaves at the hilum.
    assert inside[200, 300]
    assert not inside[[0, -1]].any()
    assert ((fields.fluid < 0) & ~inside).sum() < 0.1 * inside.sum()


def test_speckle_of_even_tissue_is_rayleigh_distributed():
    rng = np.random.default_rng(0)
    decibel = speckle(rng, np.zeros((400, 200)), axial=0.7, lateral=0.9)
    amplitude = 10 ** (decibel / 20)
    # Mean ÷ deviation of a Rayleigh variable is √(π / (4 − π)) = 1.913.
    assert amplitude.mean() / amplitude.std() == pytest.approx(1.913, rel=0.03)


def test_a_sample_is_a_png_without_metadata():
    with Image.open(io.BytesIO(sample_image(Grade.SFU_3, 1))) as image:
        assert (image.format, image.mode, image.size) == ("PNG", "L", (1024, 768))
        assert image.info == {}
        np.testing.assert_array_equal(
            np.asarray(image), make_phantom(Grade.SFU_3, 1).pixels
        )


def test_drawing_a_phantom_imports_no_torch():
    code = (
        "import sys; from diagnosis.training.phantoms import sample_image;"
        "sample_image(None, 0); sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
