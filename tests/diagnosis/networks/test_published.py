"""The networks are those that others publish weights for."""

import hashlib
from dataclasses import replace

import pytest
import torch
from torch import nn

from diagnosis.networks.alexnet import AlexNet, AlexNetConfig
from diagnosis.networks.counting import count_parameters
from diagnosis.networks.densenet import DenseNet, DenseNetConfig
from diagnosis.networks.errors import WeightsMismatch
from diagnosis.networks.googlenet import PUBLISHED, GoogLeNet
from diagnosis.networks.inception import InceptionConfig, InceptionV3
from diagnosis.networks.inception_capsules import CapsuleConfig, InceptionCapsules
from diagnosis.networks.mobilenet import MobileNetConfig, MobileNetV2
from diagnosis.networks.published import load_trunk
from diagnosis.networks.resnet import ResNet34, ResNetConfig
from diagnosis.networks.resnet50 import ResNet50, ResNet50Config
from diagnosis.networks.vgg import VGG, VGGConfig


@pytest.mark.parametrize(
    ("network", "config", "parameters"),
    [
        (AlexNet, AlexNetConfig(classes=1000), 61_100_840),
        (VGG, VGGConfig(classes=1000), 138_357_544),
        (ResNet34, ResNetConfig(classes=1000), 21_797_672),
        (ResNet50, ResNet50Config(classes=1000), 25_557_032),
        (GoogLeNet, PUBLISHED, 13_004_888),
        (GoogLeNet, replace(PUBLISHED, auxiliary=False), 6_624_904),
        (InceptionV3, InceptionConfig(classes=1000, auxiliary=True), 27_161_264),
        (InceptionV3, InceptionConfig(classes=1000), 23_834_568),
        (DenseNet, DenseNetConfig(classes=1000), 7_978_856),
        (MobileNetV2, MobileNetConfig(classes=1000), 3_504_872),
    ],
)
def test_has_the_parameters_that_everybody_counts(network, config, parameters):
    with torch.device("meta"):
        assert count_parameters(network(config)) == parameters


@pytest.mark.parametrize(
    ("network", "config", "digest"),
    [
        (AlexNet, AlexNetConfig(classes=1000), "ee71b8a6ecd3e2e4"),
        (VGG, VGGConfig(classes=1000), "5ec665fd178b7feb"),
        (ResNet34, ResNetConfig(classes=1000), "4bed9c5fce9fe2da"),
        (ResNet50, ResNet50Config(classes=1000), "5a5548d1bfbc9120"),
        (GoogLeNet, replace(PUBLISHED, auxiliary=False), "0a3331374b9b4653"),
        (InceptionV3, InceptionConfig(classes=1000), "24b78a3249966fb3"),
        (DenseNet, DenseNetConfig(classes=1000), "92c32034d3b46032"),
        (MobileNetV2, MobileNetConfig(classes=1000), "69c1c9f4a348949d"),
    ],
)
def test_lists_its_tensors_in_torchvisions_order(network, config, digest):
    # The digests are of torchvision 0.28's own networks, without auxiliary heads.
    with torch.device("meta"):
        shapes = [tuple(value.shape) for value in network(config).state_dict().values()]
    assert hashlib.sha256(repr(shapes).encode()).hexdigest()[:16] == digest


def test_features_of_inception_end_at_the_size_that_is_known():
    with torch.device("meta"):
        network = InceptionCapsules(CapsuleConfig())
    assert count_parameters(network.trunk) == 21_785_568


def as_published(network: nn.Module, rename) -> dict[str, torch.Tensor]:
    """Its tensors under other names, in the order of torchvision's files."""
    return {rename(name): value for name, value in network.state_dict().items()}


def file_of(network, path):
    torch.save(as_published(network, lambda name: f"features.{name}"), path)
    return path


def features(network, images):
    found = []
    hook = network.head.register_forward_pre_hook(
        lambda module, inputs: found.append(inputs[0])
    )
    with torch.inference_mode():
        network.eval()(images)
    hook.remove()
    return found[0]


def test_loads_the_trunk_and_keeps_its_own_head(tmp_path):
    torch.manual_seed(0)
    trained = MobileNetV2(MobileNetConfig(classes=1000))
    for name, buffer in trained.named_buffers():
        if "running" in name:
            buffer.uniform_(0.5, 1.5)
    ours = MobileNetV2(MobileNetConfig(classes=2, hidden=(512,)))
    drawn = {name: value.clone() for name, value in ours.head.state_dict().items()}
    load_trunk(ours, file_of(trained, tmp_path / "mobilenet.pth"))
    images = torch.randn(1, 3, 64, 64)
    assert torch.equal(features(ours, images), features(trained, images))
    for name, value in ours.head.state_dict().items():
        assert torch.equal(value, drawn[name])


@pytest.mark.slow
def test_passes_over_auxiliary_heads_in_the_middle_of_a_file(tmp_path):
    trained = InceptionV3(InceptionConfig(classes=1000, auxiliary=True))
    tensors = as_published(trained, lambda n: n.replace("auxiliary.", "AuxLogits."))
    # torchvision registers the auxiliary head between the two stages.
    early = {k: v for k, v in tensors.items() if k.startswith("stages.0.")}
    aux = {k: v for k, v in tensors.items() if k.startswith("AuxLogits.")}
    torch.save(early | aux | tensors, tmp_path / "inception.pth")
    ours = InceptionCapsules()
    load_trunk(ours, tmp_path / "inception.pth")
    theirs = trained.stages.state_dict()
    for name, tensor in ours.trunk.state_dict().items():
        assert torch.equal(tensor, theirs[name])


def test_refuses_the_weights_of_another_network_and_changes_nothing(tmp_path):
    other = file_of(ResNet34(ResNetConfig(width=16)), tmp_path / "other.pth")
    ours = MobileNetV2()
    before = {name: value.clone() for name, value in ours.state_dict().items()}
    with pytest.raises(WeightsMismatch, match=r"other\.pth are not those"):
        load_trunk(ours, other)
    for name, value in ours.state_dict().items():
        assert torch.equal(value, before[name])


@pytest.mark.parametrize("content", [b"", b"not weights"])
def test_refuses_what_are_no_weights(tmp_path, content):
    path = tmp_path / "weights.pth"
    path.write_bytes(content)
    with pytest.raises(WeightsMismatch, match="no readable weights"):
        load_trunk(MobileNetV2(), path)
    with pytest.raises(WeightsMismatch, match="no readable weights"):
        load_trunk(MobileNetV2(), tmp_path / "missing.pth")


def test_refuses_what_is_no_state_dictionary(tmp_path):
    torch.save([torch.zeros(1)], tmp_path / "list.pth")
    with pytest.raises(WeightsMismatch, match="no state dictionary"):
        load_trunk(MobileNetV2(), tmp_path / "list.pth")
