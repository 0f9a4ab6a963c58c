"""Sizes of the networks, to the digit of the paper and of our reckoning."""

import json
from io import StringIO

import pytest
import torch
from django.core.management import call_command

from diagnosis.networks.catalogue import CATALOGUE, Width
from diagnosis.networks.counting import MACS_RULE, count_macs, count_parameters

PARAMETERS = {
    "ResNet-34": 21_286_211,
    "ResNet-W": 42_649_027,
    "PSPNet": 46_707_139,
    "A-PSPNet": 47_233_671,
}
GIGA_MACS = {
    "ResNet-34": (3.671, 3),
    "ResNet-W": (7.492, 3),
    "PSPNet": (51.6843, 4),
    "A-PSPNet": (51.6905, 4),
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
    spec, (giga, digits) = CATALOGUE[name], GIGA_MACS[name]
    macs = count_macs(lambda: spec.build(Width.FULL), spec.input)
    assert round(macs / 1e9, digits) == giga


@pytest.mark.parametrize("name", CATALOGUE)
def test_quarter_width_has_about_a_sixteenth_of_the_parameters(name):
    quarter = count_parameters(CATALOGUE[name].build(Width.QUARTER))
    assert 15 < PARAMETERS[name] / quarter < 17


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


def test_command_says_the_counters_rule_beside_the_figures():
    out = StringIO()
    call_command("networks", stdout=out)
    assert "47,233,671" in out.getvalue()
    assert "thop 0.0.31" in out.getvalue()
