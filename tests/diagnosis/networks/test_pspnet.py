"""What is particular to PSPNet."""

import pytest
import torch

from diagnosis.networks.errors import ShapeError
from diagnosis.networks.pspnet import PSPNet, PSPNetConfig

CONFIG = PSPNetConfig(width=16, attention=True)


@torch.inference_mode()
def test_output_stride_is_sixteen():
    network = PSPNet(CONFIG).eval()
    assert network.encoder(torch.zeros(1, 3, 473, 473)).shape == (1, 512, 30, 30)


@torch.inference_mode()
def test_the_smallest_size_leaves_the_finest_level_a_pixel_for_each_cell():
    network = PSPNet(CONFIG).eval()
    side = CONFIG.smallest
    assert network.encoder(torch.zeros(1, 3, side, side)).shape[2:] == (6, 6)
    with pytest.raises(ShapeError, match=f"{side} × {side} would do"):
        network(torch.zeros(1, 3, side - 1, side - 1))


def test_attention_is_the_only_difference_to_pspnet():
    plain = PSPNet(PSPNetConfig(width=16)).state_dict()
    with_attention = PSPNet(CONFIG).state_dict()
    extra = set(with_attention) - set(plain)
    assert set(plain) < set(with_attention)
    assert all(name.startswith(("encoder.early.", "encoder.late.")) for name in extra)


def test_refuses_to_train_on_a_single_image():
    with pytest.raises(ShapeError, match="at least 2 images"):
        PSPNet(CONFIG).train()(torch.zeros(1, 3, 97, 97))


@torch.inference_mode()
def test_an_answer_lies_over_the_pixels_that_it_was_computed_from():
    # Three strided convolutions and a pooling centre cell i on pixel 16 i; a head
    # that says so must come out as the pixels' own coordinates.
    network, cells = PSPNet(CONFIG).eval(), 16 * torch.arange(16.0)
    rows = cells[:, None].expand(1, 3, 16, 16)
    network.head.register_forward_hook(lambda module, inputs, output: rows)
    pixels = network(torch.zeros(1, 3, 241, 241))[0, 0]
    torch.testing.assert_close(pixels, torch.arange(241.0)[:, None].expand(241, 241))
