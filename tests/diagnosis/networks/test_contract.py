"""What every network of the catalogue promises."""

import pytest
import torch
from safetensors.torch import load, save
from torch import nn

from diagnosis.networks.catalogue import CATALOGUE, Width
from diagnosis.networks.errors import ShapeError
from diagnosis.networks.resnet import ResNet34
from diagnosis.training.margin import margin_loss

pytestmark = pytest.mark.parametrize("name", CATALOGUE)
CAPSULES = "IV3*"
# What normalises nowhere learns by smaller steps.
RATES = {"VGG": 3e-4, "VGG-16-MLP": 3e-4}

# The first, the middle and the last number of the answer for a seeded image at quarter width.
GOLDEN = {
    "A-PSPNet": (415.505, 987.516, -256.804),
    "PSPNet": (-205.759, 177.856, -1519.21),
    "DeepLabv3": (1.2206e06, 2.32106e06, 689039),
    "DANet": (-8.34995e07, 1.27584e08, -1.90953e08),
    "DANet-R50": (-1128.22, 243.299, -254.131),
    "U-Net": (-0.334398, -2.02113, 0.240336),
    "ResNet-W": (13.7749, 31.8064, -9.28038),
    "ResNet-W-one-trunk": (10.2665, -35.1606, -4.97899),
    "ResNet-34": (-20.7712, -5.32719, -25.4709),
    "ResNet-34-DWT": (-13.4763, -1.45454, -13.3353),
    "AlexNet": (-0.0684844, -0.00123545, -0.0117475),
    "AlexNet-DWT": (-0.0404439, -0.00624454, -0.00591411),
    "VGG": (-0.0937779, 0.0168229, 0.0107293),
    "GoogLeNet": (-80.476, 103.251, 61.4339),
    "GoogLeNet-DWT": (-32.5323, 195.423, -3.47075),
    "IV3*": (0.569772, 0.523231, 0.523231),
    "VGG-16-MLP": (-0.00414686, 0.00600805, 0.00600805),
    "AlexNet-MLP": (-0.0561589, 0.0427278, 0.0427278),
    "ResNet-50-MLP": (-10.0729, -4.65102, -4.65102),
    "Inception-v3-MLP": (11.74, 10.4051, 10.4051),
    "DenseNet-121-MLP": (-13095.9, -161356, -161356),
    "MobileNet-v2-MLP": (-0.0504841, -0.0465493, -0.0465493),
}


def build(name, norm="batch"):
    torch.manual_seed(0)
    return CATALOGUE[name].build(Width.QUARTER, norm=norm)


def side(name):
    """Small, odd, enough for the network."""
    return 299 if name == CAPSULES else 97


def images(name, count, taller=0, wider=0):
    rows, columns = side(name) + taller, side(name) + wider
    generator = torch.Generator().manual_seed(1)
    return torch.randn(count, 3, rows, columns, generator=generator)


def answer_shape(name, batch):
    spec = CATALOGUE[name]
    places = batch.shape[2:] if spec.task == "segmentation" else ()
    return (len(batch), spec.config.classes, *places)


def without_dropout(network):
    """What is dropped at random cannot be compared, or learnt by heart."""
    for module in network.modules():
        if isinstance(module, nn.Dropout | nn.Dropout2d):
            module.p = 0.0
    return network


def assert_agree(some, other):
    assert (some - other).abs().max() < 1e-4 * other.abs().max()


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize(("count", "taller", "wider"), [(2, 0, 0), (3, 23, 36)])
def test_answers_with_one_type_in_training_or_not(name, count, taller, wider, training):
    network, batch = build(name).train(training), images(name, count, taller, wider)
    logits = network(batch)
    assert type(logits) is torch.Tensor
    assert logits.shape == answer_shape(name, batch)
    assert logits.dtype == torch.float32
    assert logits.isfinite().all()


def test_gradient_reaches_every_parameter(name):
    network, batch = build(name).train(), images(name, 3)
    # Auxiliary heads answer in training alone, where they are asked for.
    answer = getattr(network, "all_logits", network)
    # What DANet gathers counts for nothing until a step, however small, lets it in.
    optimiser = torch.optim.SGD(network.parameters(), lr=1e-6)
    for _ in range(2):
        optimiser.zero_grad()
        answer(batch).square().mean().backward()
        optimiser.step()
    without = [
        label
        for label, parameter in network.named_parameters()
        if parameter.grad is None or not parameter.grad.abs().sum() > 0
    ]
    # A bias in front of the mean square alone may rest; none of ours does.
    assert without == []


@torch.inference_mode()
def test_inference_is_repeatable(name):
    network, batch = build(name).eval(), images(name, 2)
    assert torch.equal(network(batch), network(batch))


@torch.inference_mode()
def test_a_row_of_a_batch_equals_the_image_alone(name):
    network, batch = build(name).eval(), images(name, 3)
    assert_agree(network(batch)[1:2], network(batch[1:2]))


@torch.no_grad()
def test_normalised_by_group_a_row_equals_the_image_alone_in_training_too(name):
    network, batch = without_dropout(build(name, norm="group")).train(), images(name, 3)
    assert_agree(network(batch)[1:2], network(batch[1:2]))


@torch.inference_mode()
def test_loads_what_it_saved_strictly(name):
    network, batch = build(name).eval(), images(name, 1)
    torch.manual_seed(99)
    other = CATALOGUE[name].build(Width.QUARTER).eval()
    other.load_state_dict(load(save(network.state_dict())), strict=True)
    assert torch.equal(network(batch), other(batch))


def test_does_not_load_another_networks_weights(name):
    residual = CATALOGUE[name].network is ResNet34
    stranger = build("ResNet-W" if residual else "ResNet-34")
    with pytest.raises(RuntimeError, match="Missing key"):
        build(name).load_state_dict(stranger.state_dict(), strict=True)


@pytest.mark.parametrize(
    ("shape", "fitting"),
    [
        ((3, 399, 399), r"\(1, 3, H, W\)"),
        ((2, 1, 399, 399), r"\(2, 3, 399, 399\) would do"),
        ((2, 3, 20, 399), r"these are 20 × 399: \d+ × 399 would do"),
    ],
)
def test_refuses_a_wrong_shape_with_the_one_that_would_do(name, shape, fitting):
    with pytest.raises(ShapeError, match=fitting):
        build(name).eval()(torch.zeros(shape))


@torch.inference_mode()
def test_the_size_that_would_do_does(name):
    network = build(name).eval()
    with pytest.raises(ShapeError) as refused:
        network(torch.zeros(1, 3, 1, 1))
    smallest = int(str(refused.value).split(" × ")[-1].removesuffix(" would do."))
    small = torch.zeros(1, 3, smallest, smallest)
    assert network(small).shape == answer_shape(name, small)


def test_refuses_bytes(name):
    with pytest.raises(ShapeError, match="floating-point"):
        build(name)(torch.zeros(1, 3, 399, 399, dtype=torch.uint8))


def test_is_made_of_named_parts_under_a_frozen_config(name):
    network = build(name)
    assert isinstance(network, nn.Module)
    with pytest.raises(AttributeError):
        network.config.width = 1  # type: ignore[union-attr]
    assert "head" in dict(network.named_children())


@torch.inference_mode()
def test_answers_as_it_always_did(name):
    answer = build(name).eval()(images(name, 1)).flatten()
    some = answer[[0, len(answer) // 2, -1]]
    assert_agree(some, torch.tensor(GOLDEN[name]))


@pytest.mark.slow
def test_learns_four_images_by_heart(name):
    network, batch = without_dropout(build(name)).train(), images(name, 4)
    loss_of = margin_loss if name == CAPSULES else nn.functional.cross_entropy
    targets = torch.arange(4) % CATALOGUE[name].config.classes
    if CATALOGUE[name].task == "segmentation":
        targets = targets.reshape(4, 1, 1).expand(4, *batch.shape[2:])
    optimiser = torch.optim.Adam(network.parameters(), lr=RATES.get(name, 1e-3))
    loss = torch.tensor(9.0)
    for _ in range(60):
        loss = loss_of(network(batch), targets)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        if loss < 0.05:
            break
    assert loss < 0.05
