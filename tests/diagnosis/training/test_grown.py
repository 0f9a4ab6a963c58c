"""Hydronephrosis grown into a frame is where its mask says, and as severe as its grade."""

import numpy as np
import pytest
from scipy.ndimage import binary_dilation, gaussian_filter

from diagnosis.grading.scale import Grade
from diagnosis.training.grown import FrameRejected, grow

SIDE = 160


def normal_kidney(seed: int = 0, side: int = SIDE) -> np.ndarray:
    """Speckle with a bright sinus, black outside a sector."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:side, :side] / side - 0.5
    echo = 70 + 110 * np.exp(-((x / 0.2) ** 2) - (y / 0.08) ** 2)
    speckle = gaussian_filter(rng.rayleigh(1, (side, side)), 0.8)
    frame = echo * speckle / speckle.mean()
    frame[np.abs(x) > 0.48 + 0.2 * y] = 0
    pixels: np.ndarray = np.clip(frame, 0, 255).astype(np.uint8)
    return pixels


def test_the_same_seed_gives_the_same_frame():
    frame = normal_kidney()
    one, same, other = (grow(frame, Grade.SFU_3, seed) for seed in (1, 1, 2))
    assert (one.pixels == same.pixels).all()
    assert (one.fluid == same.fluid).all()
    assert (one.pixels != other.pixels).any()


@pytest.mark.parametrize("grade", [Grade.SFU_3, Grade.SFU_4])
@pytest.mark.parametrize("seed", range(6))
def test_fluid_has_hardly_an_echo(grade: Grade, seed: int):
    frame = normal_kidney(seed)
    grown = grow(frame, grade, seed)
    assert grown.grade is grade
    core = ~binary_dilation(~grown.fluid, iterations=4)
    assert core.any()
    assert grown.pixels[core].mean() < 0.5 * frame[core].mean()


@pytest.mark.parametrize("seed", range(6))
def test_nothing_changes_far_from_it_and_nothing_grows_outside_the_sector(seed: int):
    frame = normal_kidney(seed)
    grown = grow(frame, Grade.SFU_4, seed)
    assert not (grown.fluid & (frame == 0)).any()
    assert not grown.pixels[frame == 0].any()
    far = ~binary_dilation(grown.fluid, iterations=12)
    above = far & (np.cumsum(grown.fluid, axis=0) == 0)
    change = np.abs(grown.pixels[above].astype(int) - frame[above])
    assert above.any()
    # A neck too thin for fluid leaves its trace.
    assert (change > 2).mean() < 0.01


def test_a_worse_grade_has_more_fluid():
    share = {
        grade: np.mean(
            [grow(normal_kidney(s), grade, s).fluid.mean() for s in range(12)]
        )
        for grade in Grade
    }
    assert share[Grade.SFU_0_2] < share[Grade.SFU_3] < share[Grade.SFU_4]
    assert share[Grade.SFU_0_2] < 0.02


@pytest.mark.parametrize(
    ("frame", "why"),
    [
        (np.zeros((40, 200), np.uint8), "at least 64"),
        (np.zeros((SIDE, SIDE), np.uint8), "no echoes"),
        (np.full((SIDE, SIDE), 90, np.uint8), "no echoes"),
    ],
)
def test_a_frame_without_a_kidney_is_refused(frame: np.ndarray, why: str):
    with pytest.raises(FrameRejected, match=why):
        grow(frame, Grade.SFU_3, 0)
