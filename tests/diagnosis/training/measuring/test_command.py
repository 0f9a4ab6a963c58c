"""Measuring from weights to plots."""

import json
import shutil

import pytest
from django.core.management import CommandError, call_command

from diagnosis.training.measuring.plots import write_plots
from diagnosis.training.measuring.reports import (
    Resampling,
    classification_report,
    without_nan,
)
from tests.diagnosis.training.data_set.drawing import (
    draw_classes,
    draw_image,
    draw_masked,
    write_list,
)
from tests.diagnosis.training.measuring.drawing import draw

SMALL = ("--width", "quarter", "--batch", "4")


@pytest.fixture(scope="module")
def classifier(tmp_path_factory):
    """A network that learnt dark from light, with its data and folder."""
    folder = tmp_path_factory.mktemp("classifier")
    data = draw_classes(folder / "data", per_class=10)
    options = ("--data", str(data), "--out", str(folder / "out"), "--size", "32")
    call_command(
        "train_network", "ResNet-34", *options, "--epochs", "6", "--seed", "3", *SMALL
    )
    return data, folder / "out"


def validate(network, weights, data, folder, *options):
    """The report that the command writes."""
    call_command(
        "validate_network",
        *(network, "--weights", str(weights), "--data", str(data)),
        *("--json", str(folder / "report.json"), "--plots", str(folder / "plots")),
        *("--resamples", "20", *options),
    )
    return json.loads((folder / "report.json").read_bytes())


@pytest.mark.slow
def test_measures_a_classifier_on_the_split_that_it_learnt_with(
    classifier, tmp_path, capsys
):
    data, out = classifier
    report = validate("ResNet-34", out, data, tmp_path)
    assert report["images"] == report["groups"] == 4
    assert report["is_the_data_set_it_learnt_from"]
    assert report["figures"]["accuracy"]["value"] == 1
    assert report["exam_weighted"]["per_class"]["dark"]["recall"]["value"] == 1
    assert report["confusion"] == [[2, 0], [0, 2]]
    assert "accuracy       1.000" in capsys.readouterr().out
    plots = {path.name for path in (tmp_path / "plots").iterdir()}
    assert plots == {
        *("confusion.svg", "roc.svg", "pr.svg", "reliability.svg", "selective.svg"),
    }
    assert b"<svg" in (tmp_path / "plots" / "roc.svg").read_bytes()


@pytest.mark.slow
def test_fits_the_temperature_on_val_and_measures_on_train(classifier, tmp_path):
    data, out = classifier
    report = validate("ResNet-34", out, data, tmp_path, "--split", "train")
    assert report["images"] == 16
    where = report["calibration"]["ece_after_temperature_measured_on"]
    assert where == "other images than val"


@pytest.mark.slow
def test_measures_on_all_images_of_another_hospital(classifier, tmp_path):
    _, out = classifier
    listed = []
    for number, label in enumerate(["dark", "light", "light"]):
        draw_image(
            tmp_path / f"{number}.png", number=number, level=40 + 130 * (number > 0)
        )
        listed.append({"path": f"{number}.png", "label": label, "patient": "one"})
    other = write_list(tmp_path / "list.csv", listed)
    report = validate("ResNet-34", out, other, tmp_path, "--split", "all")
    assert (report["images"], report["groups"]) == (3, 1)
    assert not report["is_the_data_set_it_learnt_from"]
    accuracy = report["figures"]["accuracy"]
    # One patient says nothing about others.
    assert (accuracy["low"], accuracy["high"]) == (None, None)
    assert accuracy["value"] in {number / 3 for number in range(4)}


@pytest.mark.slow
def test_measures_a_segmenter_in_the_images_own_size(tmp_path):
    data = draw_masked(tmp_path / "data", count=6)
    options = ("--data", str(data), "--out", str(tmp_path / "out"), "--size", "97")
    call_command("train_network", "PSPNet", *options, "--epochs", "1", *SMALL)
    report = validate("PSPNet", tmp_path / "out" / "pspnet.safetensors", data, tmp_path)
    pixels = sum(sum(row) for row in report["confusion"])
    assert pixels == report["images"] * 96 * 96
    assert set(report["figures"]) == {
        *("accuracy", "miou", "mpa", "dice", "dice_without_background"),
    }
    assert (tmp_path / "plots" / "overlap.svg").exists()


@pytest.mark.slow
def test_refuses_weights_of_another_network_or_changed_ones(classifier, tmp_path):
    data, out = classifier
    options = ("--data", str(data))
    with pytest.raises(CommandError, match="holds ResNet-34, not ResNet-W"):
        call_command("validate_network", "ResNet-W", "--weights", str(out), *options)
    with pytest.raises(CommandError, match="There is no trained network in"):
        call_command("validate_network", "ResNet-34", "--weights", str(data), *options)
    shutil.copytree(out, tmp_path / "changed")
    weights = tmp_path / "changed" / "resnet-34.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"\x01")
    with pytest.raises(CommandError, match="SHA-256 differs"):
        call_command(
            "validate_network", "ResNet-34", "--weights", str(weights), *options
        )


@pytest.mark.slow
def test_refuses_labels_that_the_network_never_learnt(classifier, tmp_path):
    _, out = classifier
    data = draw_classes(tmp_path, classes=("dark", "grey"))
    with pytest.raises(CommandError, match="labelled grey, which is none of dark"):
        call_command(
            "validate_network", "ResNet-34", "--weights", str(out), "--data", str(data)
        )


def test_the_same_report_draws_the_same_plots(tmp_path):
    report = without_nan(classification_report(draw(), None, Resampling(5)))
    report["classes"] = list("abc")
    first, again = (write_plots(report, tmp_path / name) for name in "xy")
    assert len(first) == 5
    for one, other in zip(first, again, strict=True):
        assert one.read_bytes() == other.read_bytes()


def test_figures_lie_in_their_intervals():
    report = classification_report(draw(), None, Resampling(200))
    for part in (report, report["exam_weighted"]):
        for kind in ("accuracy", "macro_f1", "roc_auc_macro"):
            figure = part["figures"][kind]
            assert figure["low"] < figure["value"] < figure["high"]


def test_json_gets_null_for_what_it_cannot_say():
    nan = float("nan")
    assert without_nan({"a": [nan, 1.5, (nan,)], "b": 2}) == {
        "a": [None, 1.5, [None]],
        "b": 2,
    }


@pytest.mark.slow
def test_the_fold_that_was_val_in_training_is_val_again(tmp_path):
    draw_classes(tmp_path / "data", per_class=6)
    rows = [
        {"path": f"{label}/{number}.png", "label": label, "fold": str(number % 3)}
        for label in ("dark", "light")
        for number in range(6)
    ]
    write_list(tmp_path / "data" / "list.csv", rows)
    call_command(
        "train_network",
        *(
            "ResNet-34",
            "--data",
            str(tmp_path / "data"),
            "--out",
            str(tmp_path / "out"),
        ),
        *("--size", "32", "--epochs", "1", "--fold", "1", *SMALL),
    )
    report = validate("ResNet-34", tmp_path / "out", tmp_path / "data", tmp_path)
    assert report["images"] == 4
    assert report["is_the_data_set_it_learnt_from"]
