"""What every network of the catalogue promises."""

import pytest
import torch
from safetensors.torch import load, save
from torch import nn

from diagnosis.networks.catalogue import CATALOGUE, Width
from diagnosis.networks.errors import ShapeError

pytestmark = pytest.mark.parametrize("name", CATALOGUE)
SIDE = 97  # small, odd, enough for every network


def build(name):
    torch.manual_seed(0)
    return CATALOGUE[name].build(Width.QUARTER)


def images(count, rows=SIDE, columns=SIDE):
    generator = torch.Generator().manual_seed(1)
    return torch.randn(count, 3, rows, columns, generator=generator)


def answer_shape(name, count, rows, columns):
    if CATALOGUE[name].task == "segmentation":
        return (count, 3, rows, columns)
    return (count, 3)


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize(("count", "rows", "columns"), [(2, 97, 97), (3, 120, 133)])
def test_answers_with_one_type_in_training_or_not(name, count, rows, columns, training):
    network = build(name).train(training)
    logits = network(images(count, rows, columns))
    assert isinstance(logits, torch.Tensor)
    assert logits.shape == answer_shape(name, count, rows, columns)
    assert logits.isfinite().all()


def test_gradient_reaches_every_parameter(name):
    network = build(name).train()
    network(images(2)).square().mean().backward()
    without = [
        label
        for label, parameter in network.named_parameters()
        if parameter.grad is None or not parameter.grad.abs().sum() > 0
    ]
    # A bias in front of the mean square alone may rest; none of ours does.
    assert without == []


@torch.inference_mode()
def test_inference_is_repeatable(name):
    network, batch = build(name).eval(), images(2)
    assert torch.equal(network(batch), network(batch))


@torch.inference_mode()
def test_a_row_of_a_batch_equals_the_image_alone(name):
    network, batch = build(name).eval(), images(3)
    alone = network(batch[1:2])
    furthest = (network(batch)[1:2] - alone).abs().max()
    assert furthest < 1e-4 * alone.abs().max()


@torch.inference_mode()
def test_loads_what_it_saved_strictly(name):
    network, batch = build(name).eval(), images(1)
    torch.manual_seed(99)
    other = CATALOGUE[name].build(Width.QUARTER).eval()
    other.load_state_dict(load(save(network.state_dict())), strict=True)
    assert torch.equal(network(batch), other(batch))


def test_does_not_load_another_networks_weights(name):
    stranger = build("ResNet-W" if name == "ResNet-34" else "ResNet-34")
    with pytest.raises(RuntimeError, match="Missing key"):
        build(name).load_state_dict(stranger.state_dict(), strict=True)


@pytest.mark.parametrize(
    ("shape", "fitting"),
    [
        ((3, 97, 97), r"\(1, 3, H, W\)"),
        ((2, 1, 97, 97), r"\(2, 3, 97, 97\) would do"),
        ((2, 3, 20, 97), r"× 97 would do"),
    ],
)
def test_refuses_a_wrong_shape_with_the_one_that_would_do(name, shape, fitting):
    with pytest.raises(ShapeError, match=fitting):
        build(name).eval()(torch.zeros(shape))


def test_refuses_bytes(name):
    with pytest.raises(ShapeError, match="floating-point"):
        build(name)(torch.zeros(1, 3, 97, 97, dtype=torch.uint8))


def test_is_made_of_named_parts_under_a_frozen_config(name):
    network = build(name)
    assert isinstance(network, nn.Module)
    with pytest.raises(AttributeError):
        network.config.width = 1  # type: ignore[union-attr]
    assert "head" in dict(network.named_children())


@pytest.mark.slow
def test_learns_four_images_by_heart(name):
    torch.manual_seed(0)
    network, batch = build(name).train(), images(4)
    # Dropping maps at random would keep a segmenter from reaching zero.
    for module in network.modules():
        if isinstance(module, nn.Dropout2d):
            module.p = 0.0
    shape = (4, SIDE, SIDE) if CATALOGUE[name].task == "segmentation" else (4,)
    targets = torch.arange(4) % 3
    targets = targets.reshape(-1, *[1] * (len(shape) - 1)).expand(shape)
    optimiser = torch.optim.Adam(network.parameters(), lr=1e-3)
    loss = torch.tensor(9.0)
    for _ in range(30):
        loss = nn.functional.cross_entropy(network(batch), targets)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        if loss < 0.05:
            break
    assert loss < 0.05
