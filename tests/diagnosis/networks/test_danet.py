"""Laws of DANet's two attentions."""

import torch
from hypothesis import given
from hypothesis import strategies as st

from diagnosis.networks.danet import ChannelAttention, PlaceAttention


@given(st.integers(0, 2**32), st.floats(0.01, 3))
def test_weights_lie_between_zero_and_one_and_sum_to_one(seed, scale):
    torch.manual_seed(seed)
    features = torch.randn(2, 16, 5, 4) * scale
    for weights, count in (
        (PlaceAttention(16).weights(features), 20),
        (ChannelAttention().weights(features), 16),
    ):
        assert weights.shape == (2, count, count)
        assert ((weights >= 0) & (weights <= 1)).all()
        torch.testing.assert_close(weights.sum(dim=-1), torch.ones(2, count))


def test_both_begin_as_the_identity():
    features = torch.randn(2, 16, 5, 4)
    assert torch.equal(PlaceAttention(16)(features), features)
    assert torch.equal(ChannelAttention()(features), features)


def test_a_place_gathers_its_weights_of_the_values():
    torch.manual_seed(0)
    layer, features = PlaceAttention(16), torch.randn(1, 16, 3, 4)
    torch.nn.init.ones_(layer.share)
    gathered = (layer(features) - features).flatten(2)
    weights, values = layer.weights(features)[0, 5], layer.value(features).flatten(2)
    torch.testing.assert_close(gathered[0, :, 5], values[0] @ weights)
