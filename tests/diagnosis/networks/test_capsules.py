"""Laws of capsules, of their routing and of their loss."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from diagnosis.networks.capsules import (
    ClassCapsules,
    PrimaryCapsules,
    lengths,
    route,
    squash,
)
from diagnosis.training.margin import margin_loss

seeds, scales = st.integers(0, 2**32), st.floats(1e-6, 1e4)


def drawn(*shape, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(shape, generator=generator, dtype=torch.float64)


@given(seeds, scales)
def test_lengths_stay_below_one_and_directions_stay(seed, scale):
    vectors = drawn(4, 5, 8, seed=seed) * scale
    shrunk = squash(vectors)
    assert (shrunk.norm(dim=-1) < 1).all()
    alike = torch.cosine_similarity(shrunk, vectors, dim=-1, eps=1e-30)
    torch.testing.assert_close(alike, torch.ones_like(alike))


def test_a_longer_vector_stays_longer():
    vectors = drawn(1, 6)[0] * torch.logspace(-2, 2, 20)[:, None]
    assert (squash(vectors).norm(dim=-1).diff() > 0).all()


def test_a_zero_vector_has_no_length_and_no_gradient():
    vectors = torch.zeros(1, 2, 4, requires_grad=True)
    found = lengths(squash(vectors))
    found.sum().backward()
    assert (found < 1e-6).all()
    assert vectors.grad is not None
    assert (vectors.grad == 0).all()


@given(seeds, st.floats(1e-3, 10), st.integers(1, 5))
def test_routing_shares_each_lower_capsule_out_and_no_more(seed, scale, iterations):
    predictions = drawn(2, 7, 3, 4, seed=seed) * scale
    capsules, coupling = route(predictions, iterations=iterations)
    torch.testing.assert_close(coupling.sum(dim=-1), torch.ones(2, 7).double())
    assert (coupling >= 0).all()
    assert (lengths(capsules) < 1).all()


@given(seeds)
def test_the_order_of_the_lower_capsules_does_not_matter(seed):
    predictions = drawn(2, 7, 3, 4, seed=seed)
    torch.testing.assert_close(
        route(predictions).capsules, route(predictions.flip(1)).capsules
    )


def test_one_iteration_shares_out_evenly():
    assert (route(drawn(2, 7, 4, 4), iterations=1).coupling == 0.25).all()


def test_agreement_draws_and_disagreement_repels():
    predictions = torch.zeros(1, 4, 2, 3)
    predictions[:, :, 0] = torch.tensor([1.0, 0, 0])  # all four agree on class 0
    predictions[:, :, 1] = torch.tensor(
        [[1.0, 0, 0], [-1, 0, 0], [0, 1, 0], [0, -1, 0]]
    )
    capsules, coupling = route(predictions)
    assert (coupling[..., 0] > 0.5).all()
    assert lengths(capsules)[0, 0] > lengths(capsules)[0, 1]


def test_gradients_flow_through_the_last_iteration_alone():
    predictions = drawn(2, 7, 3, 4).requires_grad_()
    capsules, coupling = route(predictions)
    fixed = squash((coupling[..., None] * predictions).sum(dim=1))
    (ours,) = torch.autograd.grad(capsules.square().sum(), predictions)
    (short,) = torch.autograd.grad(fixed.square().sum(), predictions)
    assert not coupling.requires_grad
    torch.testing.assert_close(ours, short)


def test_primary_capsules_are_neighbouring_channels_of_one_cell():
    layer, features = PrimaryCapsules(5, types=3, size=4), torch.randn(2, 5, 6, 7)
    capsules, channels = layer(features), layer.conv(features)
    assert capsules.shape == (2, 3 * 6 * 7, 4)
    cell = 1 * 42 + 2 * 7 + 5  # the second type in row 2, column 5
    torch.testing.assert_close(capsules[0, cell], squash(channels[0, 4:8, 2, 5]))


def test_routes_in_single_precision_under_autocast():
    layer = ClassCapsules(6, 4, 2, size=5, iterations=3)
    lower = squash(torch.randn(2, 6, 4))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        capsules = layer(lower)
    torch.testing.assert_close(capsules, layer(lower))


def test_margin_loss_is_nothing_beyond_the_margins():
    there = torch.tensor([[0.95, 0.05], [0.1, 0.9]])
    assert margin_loss(there, torch.tensor([0, 1])) == 0


def test_margin_loss_weighs_an_image_by_its_class():
    lengths, targets = torch.rand(6, 2), torch.tensor([0, 0, 0, 0, 1, 1])
    zeros, ones = (
        margin_loss(lengths[targets == k], targets[targets == k]) for k in (0, 1)
    )
    even = margin_loss(lengths, targets, torch.tensor([1.0, 2.0]))
    assert even == pytest.approx(float(zeros + ones) / 2)


def test_margin_loss_is_that_of_the_paper():
    found = margin_loss(torch.tensor([[0.5, 0.3]]), torch.tensor([0]))
    assert found.item() == pytest.approx(0.4**2 + 0.5 * 0.2**2)
