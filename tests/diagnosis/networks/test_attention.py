"""Laws of the attention gates."""

import torch
from hypothesis import given
from hypothesis import strategies as st

from diagnosis.networks.cbam import CBAM, ChannelGate, SpatialGate


@given(st.integers(0, 2**32), st.floats(0.01, 3))
def test_gates_lie_between_zero_and_one(seed, scale):
    torch.manual_seed(seed)
    features = torch.randn(2, 32, 9, 7) * scale
    for gate, shape in (
        (ChannelGate(32)(features), (2, 32, 1, 1)),
        (SpatialGate()(features), (2, 1, 9, 7)),
    ):
        assert gate.shape == shape
        assert ((gate > 0) & (gate < 1)).all()


def test_attention_shrinks_every_feature_but_keeps_its_sign():
    torch.manual_seed(0)
    features = torch.randn(2, 32, 9, 7)
    weighed = CBAM(32)(features)
    assert weighed.shape == features.shape
    assert (weighed.abs() < features.abs()).all()
    assert (weighed.sign() == features.sign()).all()


def test_average_and_maximum_share_one_mlp():
    gate = ChannelGate(128, ratio=16)
    assert sum(p.numel() for p in gate.parameters()) == 2 * 128 * 8


def test_channel_gate_reads_its_channels_in_any_spatial_order():
    torch.manual_seed(1)
    gate, features = ChannelGate(32), torch.randn(1, 32, 6, 6)
    torch.testing.assert_close(gate(features), gate(features.flip(-1)))
