"""Comparing networks fold by fold."""

import json

import numpy as np
import pytest
from django.core.management import CommandError, call_command
from hypothesis import given
from hypothesis import strategies as st

from diagnosis.training.measuring.crossing import difference
from diagnosis.training.measuring.predictions import join, join_groups
from diagnosis.training.measuring.reports import Resampling, without_nan
from tests.diagnosis.training.data_set.drawing import (
    draw_classes,
    draw_masked,
    write_list,
)
from tests.diagnosis.training.measuring.drawing import draw

SMALL = ("--width", "quarter", "--batch", "4", "--epochs", "1", "--resamples", "10")


@given(st.lists(st.lists(st.integers(0, 5), min_size=1), min_size=1, max_size=5))
def test_groups_of_two_parts_never_become_one(parts):
    joined = join_groups([np.array(part) for part in parts])
    named = [(number, group) for number, part in enumerate(parts) for group in part]
    pairs = set(zip(named, joined.tolist(), strict=True))
    assert len(pairs) == len({group for _, group in pairs}) == len(set(named))


def test_joined_answers_are_the_parts_answers():
    one, other = draw(1), draw(2, count=9)
    both = join([one, other])
    assert len(both) == 69
    assert (both.answers == np.concatenate([one.answers, other.answers])).all()
    assert both.weights.sum() == pytest.approx(one.weights.sum() + other.weights.sum())


def test_a_network_lies_nowhere_above_itself():
    apart = difference(draw(), draw(), Resampling(20))
    assert {tuple(each.values()) for each in apart["figures"].values()} == {(0, 0, 0)}


def test_a_better_network_lies_above_and_the_worse_below():
    better, worse = draw(skill=4.0), draw(skill=0.0)
    above = difference(better, worse, Resampling(50))["figures"]["accuracy"]
    below = difference(worse, better, Resampling(50))["figures"]["accuracy"]
    assert 0 < above["low"] <= above["value"] <= above["high"]
    assert below["value"] == -above["value"]


def folded(folder, draw_images):
    """A list whose images take turns in three folds, each a patient of its own."""
    images = [
        path for path in sorted(draw_images.rglob("*.png")) if "_mask" not in path.name
    ]
    return write_list(
        folder / "list.csv",
        [
            {
                "path": str(path.relative_to(folder)),
                "label": path.parent.name,
                "group": str(number),
                "fold": str(number % 3),
            }
            for number, path in enumerate(images)
        ],
    )


@pytest.mark.slow
def test_every_image_is_answered_once_by_each_network(tmp_path, capsys):
    data = folded(tmp_path, draw_classes(tmp_path / "images", per_class=6))
    command = (
        *("cross_validate", "ResNet-34", "AlexNet", "--data", str(data), *SMALL),
        *("--size", "64", "--out", str(tmp_path / "out"), "--own-rate", "AlexNet=1e-4"),
        *("--json", str(tmp_path / "report.json")),
    )
    call_command(*command)
    report = json.loads((tmp_path / "report.json").read_bytes())
    assert report["images"] == report["groups"] == 12
    assert report["folds"] == [0, 1, 2]
    assert list(report["networks"]) == ["ResNet-34", "AlexNet"]
    for part in report["networks"].values():
        assert np.array(part["confusion"]).sum(axis=1).tolist() == [6, 6]
        assert len(part["each_fold"]) == 3
    first = report["networks"]["ResNet-34"]["exam_weighted"]["figures"]["accuracy"]
    other = report["networks"]["AlexNet"]["exam_weighted"]["figures"]["accuracy"]
    above = report["first_above"]["AlexNet"]["figures"]["accuracy"]
    assert above["value"] == pytest.approx(first["value"] - other["value"])
    own = json.loads((tmp_path / "out/AlexNet/fold-1/network.json").read_bytes())
    assert own["recipe"]["rate"] == 1e-4
    assert own["recipe"]["fold"] == 1
    capsys.readouterr()
    call_command(*command)  # everything is trained already
    assert "epoch 1/1" not in capsys.readouterr().out
    assert json.loads((tmp_path / "report.json").read_bytes()) == report


@pytest.mark.slow
def test_segmenters_are_compared_by_their_masks(tmp_path):
    draw_masked(tmp_path / "images" / "all", count=6)
    data = folded(tmp_path, tmp_path / "images")
    call_command(
        *("cross_validate", "U-Net", "PSPNet", "--data", str(data), *SMALL),
        *("--size", "97", "--out", str(tmp_path / "out")),
        *("--json", str(tmp_path / "report.json")),
    )
    report = json.loads((tmp_path / "report.json").read_bytes())
    pixels = np.array(report["networks"]["U-Net"]["confusion"])
    assert pixels.sum() == 6 * 96 * 96
    assert set(report["first_above"]) == {"PSPNet"}
    assert without_nan(report) == report


@pytest.mark.parametrize(
    ("networks", "sentence"),
    [
        (("ResNet-34", "U-Net"), "Segmenters and classifiers cannot be compared."),
        (("ResNet-34",), "is in no fold: a list with a column fold says which"),
    ],
)
def test_what_cannot_be_compared_is_said(tmp_path, networks, sentence):
    data = draw_classes(tmp_path / "images")
    with pytest.raises(CommandError, match=sentence):
        call_command(
            *("cross_validate", *networks, "--data", str(data), *SMALL),
            *("--out", str(tmp_path / "out")),
        )


def test_one_fold_is_too_few(tmp_path):
    data = folded(tmp_path, draw_classes(tmp_path / "images"))
    data.write_text(data.read_text().replace(",1\n", ",0\n").replace(",2\n", ",0\n"))
    with pytest.raises(CommandError, match="All samples are in fold 0: two would do"):
        call_command(
            *("cross_validate", "ResNet-34", "--data", str(data), *SMALL),
            *("--out", str(tmp_path / "out")),
        )
