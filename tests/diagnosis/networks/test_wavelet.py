"""Laws of the Haar transform."""

import numpy as np
import pytest
import pywt
import torch
from hypothesis import given
from hypothesis import strategies as st

from diagnosis.networks.errors import ShapeError
from diagnosis.networks.wavelet import haar_dwt, haar_idwt
from diagnosis.networks.wavelet_layers import (
    Approximation,
    StackedBands,
    WaveletSplit,
)

sides = st.integers(1, 9)


def batch(rows, columns, seed, dtype=torch.float64):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(2, 3, rows, columns, generator=generator, dtype=dtype)


@given(sides, sides, st.integers(0, 2**32))
def test_equals_pywavelets_on_even_sizes(half_rows, half_columns, seed):
    images = batch(2 * half_rows, 2 * half_columns, seed)
    approximation, details = pywt.dwt2(images.numpy(), "haar")
    for ours, theirs in zip(haar_dwt(images), (approximation, *details), strict=True):
        np.testing.assert_allclose(ours.numpy(), theirs, atol=1e-13)


def test_equals_pywavelets_in_single_precision():
    images = batch(112, 112, 0, torch.float32)
    approximation, details = pywt.dwt2(images.numpy(), "haar")
    for ours, theirs in zip(haar_dwt(images), (approximation, *details), strict=True):
        np.testing.assert_allclose(ours.numpy(), theirs, atol=2e-6)


@given(sides, sides, st.integers(0, 2**32))
def test_inverse_gives_the_image_back(half_rows, half_columns, seed):
    images = batch(2 * half_rows, 2 * half_columns, seed)
    torch.testing.assert_close(haar_idwt(haar_dwt(images)), images)


@given(sides, sides, st.integers(0, 2**32))
def test_keeps_the_energy(half_rows, half_columns, seed):
    images = batch(2 * half_rows, 2 * half_columns, seed)
    energy = sum(band.square().sum() for band in haar_dwt(images))
    torch.testing.assert_close(energy, images.square().sum())


def test_approximation_is_twice_the_average_pooling():
    images = batch(6, 8, 1)
    pooled = torch.nn.functional.avg_pool2d(images, 2)
    torch.testing.assert_close(haar_dwt(images).ca, 2 * pooled)


def test_odd_sizes_replicate_the_last_row_and_column():
    images = batch(5, 7, 2)
    padded = torch.cat((images, images[:, :, -1:]), dim=2)
    padded = torch.cat((padded, padded[..., -1:]), dim=3)
    for ours, even in zip(haar_dwt(images), haar_dwt(padded), strict=True):
        torch.testing.assert_close(ours, even)


def test_gradient_is_exact():
    images = batch(4, 6, 3).requires_grad_()
    assert torch.autograd.gradcheck(lambda x: tuple(haar_dwt(x)), images)


def test_layer_stacks_the_details_in_the_order_of_their_names():
    images = batch(4, 4, 4)
    approximation, details = WaveletSplit()(images)
    bands = haar_dwt(images)
    torch.testing.assert_close(approximation, bands.ca)
    torch.testing.assert_close(details[:, 3:6], bands.cv)
    torch.testing.assert_close(Approximation()(images), bands.ca)
    torch.testing.assert_close(StackedBands()(images)[:, 9:], bands.cd)


def test_refuses_what_is_no_batch():
    with pytest.raises(ShapeError, match=r"\(B, C, H, W\)"):
        haar_dwt(torch.zeros(3, 4, 4))


def test_inverse_refuses_bands_of_different_shapes():
    bands = haar_dwt(batch(4, 4, 5))
    with pytest.raises(ShapeError, match="one shape"):
        haar_idwt(bands._replace(cd=torch.zeros(1, 1, 2, 2)))
