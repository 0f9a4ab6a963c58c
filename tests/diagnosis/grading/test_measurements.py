"""What a mask measures: in the image's own unit, never in a guessed one."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from diagnosis.grading.errors import ReportRejected
from diagnosis.grading.measurements import Measurements, measure, widest_circle

steps = st.floats(0.05, 2)


def kidney(radius=60, fluid=20, size=(200, 240)):
    """A round kidney with round fluid in its middle."""
    y, x = np.mgrid[: size[0], : size[1]]
    away = np.hypot(y - size[0] // 2, x - size[1] // 2)
    mask = np.zeros(size, np.uint8)
    mask[away <= radius], mask[away <= fluid] = 1, 2
    return mask


def test_without_a_scale_pixels_are_counted():
    mask = kidney()
    found = measure(mask, None)
    assert found.unit == "pixels"
    assert found.parenchyma_area == (mask == 1).sum()
    assert found.fluid_area == (mask == 2).sum()
    assert found.kidney_area == (mask > 0).sum()


@pytest.mark.parametrize("fluid", [1, 5, 20, 40])
def test_the_circle_is_as_wide_as_the_fluid(fluid):
    found = measure(kidney(fluid=fluid), None)
    assert found.pelvis_diameter == pytest.approx(2 * fluid, abs=1.2)


@given(steps)
def test_a_scale_stretches_lengths_and_areas(step):
    pixels, scaled = measure(kidney(), None), measure(kidney(), (step, step))
    assert scaled.unit == "mm"
    assert scaled.pelvis_diameter == pytest.approx(step * pixels.pelvis_diameter)
    assert scaled.fluid_area == pytest.approx(step**2 * pixels.fluid_area)
    assert scaled.hydronephrosis_index == pytest.approx(pixels.hydronephrosis_index)


def test_pixels_need_not_be_square():
    band = np.zeros((60, 200), bool)
    band[20:40] = True  # 20 rows high
    assert widest_circle(band, (0.1, 0.5)) == pytest.approx(20 * 0.5, abs=0.6)
    assert widest_circle(band.T, (0.1, 0.5)) == pytest.approx(20 * 0.1, abs=0.5)


def test_calyces_do_not_widen_the_pelvis():
    mask = kidney(fluid=20)
    mask[100:103, 50:190] = 2  # a long thin arm to both sides
    assert measure(mask, None).pelvis_diameter == pytest.approx(41, abs=3)


def test_the_indices_are_those_of_the_papers():
    found = Measurements(None, parenchyma_area=60, fluid_area=40, pelvis_diameter=5)
    assert found.hydronephrosis_index == pytest.approx(0.6)  # (kidney − fluid) ÷ kidney
    assert found.fluid_share == pytest.approx(0.4)
    assert found.fluid_to_parenchyma == pytest.approx(40 / 60)
    assert replace(found, parenchyma_area=0).fluid_to_parenchyma is None


def test_without_fluid_there_is_no_diameter():
    mask = np.minimum(kidney(), 1)
    found = measure(mask, (0.2, 0.2))
    assert (found.fluid_area, found.pelvis_diameter) == (0, 0)
    assert found.hydronephrosis_index == 1


def test_nothing_is_measured_where_there_is_no_kidney():
    with pytest.raises(ReportRejected, match="no kidney"):
        measure(np.zeros((70, 70), np.uint8), None)


@pytest.mark.parametrize("step", [(0.0, 1.0), (-1.0, 1.0), (float("nan"), 1.0)])
def test_an_impossible_scale_is_refused(step):
    with pytest.raises(ReportRejected):
        measure(kidney(), step)


def test_figures_that_the_mask_does_not_bear_out_are_refused():
    mask = kidney()
    found = measure(mask, (0.2, 0.2))
    found.check_against(mask)
    for lie in (
        replace(found, fluid_area=found.fluid_area * 2),
        replace(found, parenchyma_area=found.parenchyma_area / 2),
        replace(found, pelvis_diameter=found.pelvis_diameter * 2),
        replace(found, millimetres_per_pixel=(0.4, 0.2)),
    ):
        with pytest.raises(ReportRejected, match="contradict"):
            lie.check_against(mask)
