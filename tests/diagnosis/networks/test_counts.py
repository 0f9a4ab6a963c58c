"""Sizes of the networks, to the digit of the paper and of our reckoning."""

import json
from io import StringIO

import pytest
import torch
from django.core.management import call_command
from torch import nn

from diagnosis.management.commands import networks
from diagnosis.networks.catalogue import CATALOGUE, Width
from diagnosis.networks.counting import MACS_RULE, count_macs, count_parameters

PARAMETERS = {
    "A-PSPNet": 47_233_671,
    "PSPNet": 46_707_139,
    "DeepLabv3": 59_339_683,
    "DANet": 214_406_725,
    "DANet-R50": 47_434_949,
    "U-Net": 31_037_763,
    "ResNet-W": 42_649_027,
    "ResNet-W-one-trunk": 21_413_315,
    "ResNet-34": 21_286_211,
    "ResNet-34-DWT": 21_286_211,
    "AlexNet": 57_016_131,
    "AlexNet-DWT": 57_016_131,
    "VGG": 68_198_211,
    "GoogLeNet": 10_312_505,
    "GoogLeNet-DWT": 10_312_505,
    "IV3*": 22_834_400,
    "VGG-16-MLP": 134_268_738,
    "AlexNet-MLP": 57_012_034,
    "ResNet-50-MLP": 24_558_146,
    "Inception-v3-MLP": 22_835_682,
    "DenseNet-121-MLP": 7_479_682,
    "MobileNet-v2-MLP": 2_880_770,
}
GIGA_MACS = {
    "A-PSPNet": 51.6905,
    "PSPNet": 51.6843,
    "DeepLabv3": 77.6195,
    "DANet": 203.3765,
    "DANet-R50": 50.0772,
    "U-Net": 185.3969,
    "ResNet-W": 7.4920,
    "ResNet-W-one-trunk": 4.0694,
    "ResNet-34": 3.6708,
    "ResNet-34-DWT": 3.6708,
    "AlexNet": 0.7106,
    "AlexNet-DWT": 0.7853,
    "VGG": 15.4137,
    "GoogLeNet": 1.5849,
    "GoogLeNet-DWT": 1.5849,
    "IV3*": 5.7649,
    "VGG-16-MLP": 15.4798,
    "AlexNet-MLP": 0.7106,
    "ResNet-50-MLP": 4.1105,
    "Inception-v3-MLP": 5.7323,
    "DenseNet-121-MLP": 2.8652,
    "MobileNet-v2-MLP": 0.3136,
}


def test_every_network_has_a_known_size():
    assert set(CATALOGUE) == set(PARAMETERS) == set(GIGA_MACS)


@pytest.mark.parametrize("name", CATALOGUE)
def test_parameters_of_the_full_width(name):
    with torch.device("meta"):
        network = CATALOGUE[name].build(Width.FULL)
    assert count_parameters(network) == PARAMETERS[name]


@pytest.mark.parametrize("name", CATALOGUE)
def test_macs_of_the_full_width(name):
    spec = CATALOGUE[name]
    macs = count_macs(lambda: spec.build(Width.FULL), spec.input)
    assert round(macs / 1e9, 4) == GIGA_MACS[name]


@pytest.mark.parametrize("name", CATALOGUE)
def test_quarter_width_has_about_a_sixteenth_of_the_parameters(name):
    with torch.device("meta"):
        quarter = count_parameters(CATALOGUE[name].build(Width.QUARTER))
    # Filters of one channel, capsules and biases shrink by a quarter only.
    assert 14 < PARAMETERS[name] / quarter < 17


@pytest.mark.parametrize("name", CATALOGUE)
def test_group_normalisation_has_the_parameters_of_batch_normalisation(name):
    with torch.device("meta"):
        network = CATALOGUE[name].build(Width.FULL, norm="group")
    assert count_parameters(network) == PARAMETERS[name]
    assert not any(isinstance(m, nn.BatchNorm2d) for m in network.modules())


@pytest.mark.slow
def test_command_lists_every_network_in_both_widths():
    out = StringIO()
    call_command("networks", "--json", stdout=out)
    rows = json.loads(out.getvalue())
    assert {(row["name"], row["width"]) for row in rows} == {
        (name, width) for name in CATALOGUE for width in ("full", "quarter")
    }
    full = next(
        row for row in rows if row["name"] == "A-PSPNet" and row["width"] == "full"
    )
    assert full["input"] == [3, 473, 473]
    assert full["parameters"] == 47_233_671
    assert full["macs_rule"] == MACS_RULE


def test_command_says_the_counters_rule_beside_the_figures(monkeypatch):
    monkeypatch.setattr(networks, "CATALOGUE", {"A-PSPNet": CATALOGUE["A-PSPNet"]})
    out = StringIO()
    call_command("networks", stdout=out)
    assert "47,233,671" in out.getvalue()
    assert "thop 0.0.31" in out.getvalue()
