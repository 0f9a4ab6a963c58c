"""Laws of the wavelet transforms, whatever the wavelet."""

import numpy as np
import pytest
import pywt
import torch
from hypothesis import given
from hypothesis import strategies as st

from diagnosis.networks.errors import ShapeError, UnknownWavelet
from diagnosis.networks.filter_bank import WAVELETS, dwt, idwt
from diagnosis.networks.wavelet import haar_dwt

ORTHOGONAL = tuple(name for name in WAVELETS if pywt.Wavelet(name).orthogonal)
named, half = st.sampled_from(WAVELETS), st.integers(1, 12)
seeds = st.integers(0, 2**32)


def batch(rows, columns, seed, dtype=torch.float64):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(2, 3, rows, columns, generator=generator, dtype=dtype)


def exactness(wavelet):
    """Of the published filters: Meyer's is cut to 102 taps."""
    return 3e-2 if wavelet == "dmey" else 1e-6


@pytest.mark.parametrize("wavelet", WAVELETS)
def test_inverse_gives_the_image_back(wavelet):
    images = batch(32, 46, 0)
    back = idwt(dwt(images, wavelet), wavelet)
    torch.testing.assert_close(back, images, atol=exactness(wavelet), rtol=0)


@pytest.mark.parametrize("wavelet", ORTHOGONAL)
def test_orthogonal_wavelets_keep_the_energy(wavelet):
    images = batch(32, 46, 1)
    energy = sum(band.square().sum() for band in dwt(images, wavelet))
    expected = images.square().sum()
    torch.testing.assert_close(energy, expected, rtol=exactness(wavelet), atol=0)


@given(named, half, half, seeds)
def test_equals_pywavelets(wavelet, half_rows, half_columns, seed):
    images = batch(2 * half_rows, 2 * half_columns, seed)
    approximation, details = pywt.dwt2(images.numpy(), wavelet, mode="periodization")
    for ours, theirs in zip(
        dwt(images, wavelet), (approximation, *details), strict=True
    ):
        np.testing.assert_allclose(ours.numpy(), theirs, atol=1e-10)


@given(named, half, half, seeds)
def test_inverse_equals_pywavelets(wavelet, half_rows, half_columns, seed):
    bands = dwt(batch(2 * half_rows, 2 * half_columns, seed), wavelet)
    approximation, *details = (band.numpy() for band in bands)
    theirs = pywt.idwt2((approximation, details), wavelet, mode="periodization")
    np.testing.assert_allclose(idwt(bands, wavelet).numpy(), theirs, atol=1e-10)


def test_haar_by_its_filters_is_the_haar_of_sums_and_differences():
    images = batch(9, 6, 2)  # db1 is Haar's other name, and takes the general way
    for ours, short in zip(dwt(images, "db1"), haar_dwt(images), strict=True):
        torch.testing.assert_close(ours, short)


@pytest.mark.parametrize("wavelet", ["db3", "bior2.2"])
def test_gradients_are_exact(wavelet):
    images = batch(4, 6, 3).requires_grad_()
    assert torch.autograd.gradcheck(lambda x: tuple(dwt(x, wavelet)), images)
    assert torch.autograd.gradcheck(lambda x: idwt(dwt(x, wavelet), wavelet), images)


def test_stays_in_single_precision():
    images = batch(8, 8, 4, torch.float32)
    assert idwt(dwt(images, "db2"), "db2").dtype == torch.float32


def test_refuses_a_name_that_pywavelets_does_not_know():
    with pytest.raises(UnknownWavelet, match="'hare'"):
        dwt(batch(4, 4, 5), "hare")


def test_refuses_what_is_no_batch_and_bands_of_different_shapes():
    with pytest.raises(ShapeError, match=r"\(B, C, H, W\)"):
        dwt(torch.zeros(3, 4, 4), "db2")
    bands = dwt(batch(4, 4, 6), "db2")
    with pytest.raises(ShapeError, match="one shape"):
        idwt(bands._replace(cd=torch.zeros(1, 1, 2, 2)), "db2")
