"""The command from end to end, in processes of its own."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from django.core.management import CommandError, call_command

from diagnosis.grading.errors import WeightsRejected
from diagnosis.training.fitting.checkpoint import CHECKPOINT
from diagnosis.training.fitting.trained import load_trained
from tests.diagnosis.training.data_set.drawing import draw_classes, draw_masked

ROOT = Path(__file__).parents[4]
FILES = ("a-pspnet.safetensors", "network.json")


def start(network, data, out, *options):
    """The command in a process of its own."""
    return subprocess.Popen(
        [
            *(sys.executable, "manage.py", "train_network", network),
            *("--data", str(data), "--out", str(out), "--width", "quarter"),
            *options,
        ],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def finish(process):
    output, _ = process.communicate(timeout=300)
    assert process.returncode == 0, output
    return output


@pytest.mark.slow
def test_a_killed_training_reaches_the_bits_of_an_unbroken_one(tmp_path):
    data = draw_masked(tmp_path / "data", count=10)
    recipe = ("--size", "129", "--epochs", "12", "--batch", "4")
    whole = start("A-PSPNet", data, tmp_path / "whole", *recipe)
    for delay in (0, 0.35):
        killed = start("A-PSPNet", data, tmp_path / "killed", *recipe)
        before = time.monotonic()
        marker = tmp_path / "killed" / CHECKPOINT
        written = marker.stat().st_mtime_ns if marker.exists() else 0
        while not marker.exists() or marker.stat().st_mtime_ns == written:
            assert killed.poll() is None, killed.communicate()
            assert time.monotonic() < before + 120
            time.sleep(0.01)
        time.sleep(delay)
        os.kill(killed.pid, signal.SIGKILL)
        killed.communicate()
        assert killed.returncode == -signal.SIGKILL
        assert not (tmp_path / "killed" / FILES[0]).exists()
    output = finish(start("A-PSPNet", data, tmp_path / "killed", *recipe))
    assert "goes on after epoch" in output
    finish(whole)
    for name in FILES:
        assert (tmp_path / "killed" / name).read_bytes() == (
            tmp_path / "whole" / name
        ).read_bytes()


@pytest.mark.slow
def test_two_processes_train_one_network(tmp_path):
    data = draw_classes(tmp_path / "data", per_class=8)
    recipe = ("--size", "32", "--epochs", "2", "--batch", "4", "--processes", "2")
    output = finish(start("ResNet-34", data, tmp_path / "out", *recipe))
    assert output.count("epoch 2/2") == 1
    trained, network = load_trained(tmp_path / "out")
    assert trained.classes == ("dark", "light")
    assert network(torch.zeros(1, 3, 32, 32)).shape == (1, 3)


@pytest.mark.slow
def test_the_folder_says_what_was_trained_on_what(tmp_path, capsys):
    data = draw_classes(tmp_path / "data")
    call_command(
        "train_network",
        *("ResNet-W", "--data", str(data), "--out", str(tmp_path / "out")),
        *("--width", "quarter", "--size", "32", "--epochs", "1", "--batch", "4"),
        *("--source", "drawn here", "--licence", "none needed"),
    )
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        "resnet-w.safetensors",
        "network.json",
        "MODEL_CARD.md",
        "curves.csv",
        CHECKPOINT,
        "best.safetensors",
    }
    card = (tmp_path / "out" / "MODEL_CARD.md").read_text()
    assert "Research only, not for clinical use" in card
    assert "Source: drawn here. Licence: none needed." in card
    assert "| train | 6 | 6 | dark 3, light 3 |" in card
    trained, _ = load_trained(tmp_path / "out" / "resnet-w.safetensors")
    assert trained.recipe["epochs"] == 1
    assert "epoch 1/1" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("--data", "nowhere"), "There is no file or folder nowhere"),
        (("--size", "8"), "ResNet-34 reads images of at least 32"),
        (("--rate", "0"), "rate must be above 0"),
        (("--class-weights", "1,2,3"), "3 class weights for 2 classes"),
        (("--fold", "1"), "is in no fold"),
        (("--classes", "dark,grey"), "labelled light, which is none of dark, grey"),
    ],
)
def test_says_what_is_wrong_before_it_trains(tmp_path, options, sentence):
    data = draw_classes(tmp_path / "data")
    with pytest.raises(CommandError, match=sentence):
        call_command(
            "train_network",
            *("ResNet-34", "--data", str(data), "--out", str(tmp_path / "out")),
            *options,
        )
    assert not (tmp_path / "out").exists()


def test_refuses_more_classes_than_the_network_tells_apart(tmp_path):
    data = draw_classes(tmp_path / "data", classes=("a", "b", "c", "d"))
    with pytest.raises(
        CommandError, match=r"tells 3 classes apart.* has 4: a, b, c, d"
    ):
        call_command("train_network", "ResNet-34", data=data, out=tmp_path / "out")


def test_refuses_a_folder_without_a_trained_network(tmp_path):
    with pytest.raises(WeightsRejected, match="There is no trained network in"):
        load_trained(tmp_path)
    (tmp_path / "network.json").write_text("{}")
    with pytest.raises(WeightsRejected, match="describes no network"):
        load_trained(tmp_path)
