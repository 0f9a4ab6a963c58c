"""The fastest backend that changes no grade is chosen, once for a machine."""

import json
import threading
import time
from dataclasses import replace
from io import StringIO

import numpy as np
import pytest
import torch
from django.core.management import CommandError, call_command
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from torch import Tensor, nn

from diagnosis import loading
from diagnosis.grading import keeping
from diagnosis.grading.backends.modules import CPU
from diagnosis.grading.backends.registry import QUICK
from diagnosis.grading.choosing import (
    MOST_MOVED,
    MOST_SHIFT,
    Choice,
    Measured,
    choose,
    compare,
)
from diagnosis.grading.errors import BackendUnavailable, GradingError
from diagnosis.grading.keeping import choice_file, keep, kept_or_made, read_choice
from diagnosis.grading.machine import surroundings
from tests.diagnosis.grading.pairs import (
    ByBrightness,
    ByMean,
    simple_grader,
    write_pair,
)


def frames(count=2):
    rng = np.random.default_rng(3)
    return [rng.integers(0, 256, (96, 128), dtype=np.uint8) for _ in range(count)]


def measured(**changes) -> Measured:
    return replace(Measured("onnx", milliseconds=1.0), **changes)


REFERENCE = Measured("eager", milliseconds=10.0)


@pytest.mark.parametrize(
    ("row", "chosen"),
    [
        (measured(), "onnx"),
        (measured(milliseconds=11.0), "eager"),
        (measured(milliseconds=None, obstacle="Not installed."), "eager"),
        (measured(grades_changed=1), "eager"),
        (measured(shift=MOST_SHIFT), "onnx"),
        (measured(shift=1.01 * MOST_SHIFT), "eager"),
        (measured(moved=MOST_MOVED), "onnx"),
        (measured(moved=1.01 * MOST_MOVED), "eager"),
    ],
)
def test_the_fastest_of_those_that_agree(row, chosen):
    assert Choice((REFERENCE, row)).backend == chosen
    assert Choice((row, REFERENCE)).backend == chosen


rows = st.builds(
    Measured,
    backend=st.just("other"),
    milliseconds=st.none() | st.floats(0.1, 100),
    grades_changed=st.integers(0, 1),
    shift=st.floats(0, 0.02),
    moved=st.floats(0, 0.004),
)


@given(st.lists(rows, max_size=5))
def test_never_one_that_disagrees_nor_a_slower_one(others):
    chosen = Choice((REFERENCE, *others)).backend
    fit = [row.milliseconds for row in others if row.agrees]
    if chosen == "eager":
        assert all(taken >= 10.0 for taken in fit)
    else:
        assert min(fit) <= 10.0


class Shifted(nn.Module):
    """The same network with something added to one class."""

    def __init__(self, network: nn.Module, bias: tuple[float, float, float]) -> None:
        super().__init__()
        self.network, self.bias = network, torch.tensor(bias)
        if isinstance(network, ByMean):
            self.head = network.head

    def forward(self, images: Tensor) -> Tensor:
        logits: Tensor = self.network(images)
        return logits + self.bias.view(1, 3, *[1] * (logits.dim() - 2))


def row_of(**changes) -> Measured:
    graders = {"eager": simple_grader(), "onnx": simple_grader(**changes)}
    return compare(graders, frames(), rounds=1).measured[1]


def test_the_same_networks_agree_with_themselves():
    row = row_of()
    assert row.agrees
    assert (row.grades_changed, row.shift, row.moved) == (0, 0.0, 0.0)
    assert row.milliseconds


def test_a_changed_grade_is_counted():
    row = row_of(classifier=Shifted(ByMean(), (9, 0, 0)))
    assert row.grades_changed == 2
    assert row.shift > 0.5
    assert not row.agrees


def test_a_moved_probability_is_seen_where_the_grade_stays():
    row = row_of(classifier=Shifted(ByMean(), (0, 0, 0.2)))
    assert row.grades_changed == 0
    assert MOST_SHIFT < row.shift < 0.1
    assert not row.agrees


def test_a_kidney_that_is_found_no_more_is_a_changed_grade():
    graders = {
        "eager": simple_grader(),
        "onnx": simple_grader(segmenter=Shifted(ByBrightness(), (99, 0, 0))),
    }
    for grader in graders.values():
        grader.manifest = replace(grader.manifest, least_area=0.01)
    row = compare(graders, frames(), rounds=1).measured[1]
    assert row.grades_changed == 2
    assert row.moved > 0.1


def test_a_mask_that_differs_is_seen_where_the_grade_stays():
    row = row_of(segmenter=Shifted(ByBrightness(), (0.5, 0, 0)))
    assert row.moved > MOST_MOVED
    assert not row.agrees


def test_every_backend_is_measured_or_says_why_not(folder, cache, monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    names = (*QUICK, "compiled")
    choice = choose(folder, frames(1), device=CPU, cache=cache, names=names, rounds=1)
    by_name = {row.backend: row for row in choice.measured}
    assert set(by_name) == set(names)
    assert by_name["compiled"].milliseconds is None
    assert "C++ compiler" in by_name["compiled"].obstacle
    assert by_name["eager"].agrees
    assert by_name["onnx"].agrees
    assert by_name[choice.backend].agrees


# What is kept


CHOICE = Choice((REFERENCE, measured()))


def test_a_kept_choice_is_read_again_without_measuring(folder, tmp_path):
    made = []

    def make():
        made.append(True)
        return CHOICE

    for _ in range(3):
        assert kept_or_made(tmp_path, folder, CPU, make) == CHOICE
    assert len(made) == 1
    fields = json.loads(choice_file(tmp_path, folder, CPU).read_bytes())
    assert fields["chosen"] == "onnx"
    assert {"weights", "torch", "onnxruntime", "processor", "threads", "code"} <= set(
        fields["surroundings"]
    )


@pytest.mark.parametrize(
    "changes",
    [
        {"torch": "9"},
        {"onnxruntime": "9"},
        {"processor": "another"},
        {"threads": 99},
        {"device": "NVIDIA"},
        {"code": "0"},
    ],
)
def test_other_surroundings_are_measured_again(folder, tmp_path, monkeypatch, changes):
    kept_or_made(tmp_path, folder, CPU, lambda: CHOICE)
    here = surroundings(CPU)
    monkeypatch.setattr(keeping, "surroundings", lambda _: here | changes)
    other = Choice((REFERENCE,))
    assert kept_or_made(tmp_path, folder, CPU, lambda: other) == other


def test_other_weights_are_measured_again(folder, tmp_path, tmp_path_factory):
    other = write_pair(tmp_path_factory.mktemp("other"), seed=1)
    assert choice_file(tmp_path, folder, CPU) != choice_file(tmp_path, other, CPU)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b"{}",
        b'{"chosen": "onnx", "measured": []}',
        b'{"chosen": "eager", "measured": [{"backend": "onnx", "milliseconds": 1}]}',
        b'{"chosen": "x", "measured": [{"backend": "x", "milliseconds": 1}]}',
        b'{"chosen": "x", "measured": [{"surprise": 1}]}',
    ],
)
def test_a_damaged_choice_is_made_again(folder, tmp_path, content):
    file = keep(CHOICE, tmp_path, folder, CPU)
    file.write_bytes(content)
    assert read_choice(file) is None
    assert kept_or_made(tmp_path, folder, CPU, lambda: CHOICE) == CHOICE
    assert read_choice(file) == CHOICE


def test_where_nothing_can_be_kept_it_is_measured_each_time(folder, tmp_path, caplog):
    blocked = tmp_path / "file"
    blocked.write_text("a file where the folder should be")
    assert kept_or_made(blocked, folder, CPU, lambda: CHOICE) == CHOICE
    assert "could not be kept" in caplog.text


def test_of_many_workers_one_measures(folder, tmp_path):
    made, answers = [], []

    def make():
        made.append(True)
        time.sleep(0.05)  # long enough for the others to come to the lock
        return CHOICE

    def worker():
        answers.append(kept_or_made(tmp_path, folder, CPU, make))

    threads = [threading.Thread(target=worker) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [CHOICE] * 5
    assert len(made) == 1


# The site's grader


@pytest.fixture
def site(settings, cache, monkeypatch):
    """A site without a setting, that measures on small frames."""
    settings.GRADING_BACKEND = ""
    settings.INFERENCE_CACHE = cache
    monkeypatch.setattr(loading, "sample_frames", lambda: frames(1))
    return settings


def test_the_site_takes_what_it_measured_then_what_it_kept(site, folder, monkeypatch):
    first = loading.load_grader(folder)
    file = choice_file(site.INFERENCE_CACHE, folder, CPU)
    kept = read_choice(file)
    assert kept
    assert first.backend.name == kept.backend
    monkeypatch.setattr(loading, "choose", None)
    assert loading.load_grader(folder).backend.name == first.backend.name


def test_a_setting_forces_one(site, folder):
    site.GRADING_BACKEND = "bfloat16"
    assert loading.load_grader(folder).backend.name == "bfloat16"
    assert not list(site.INFERENCE_CACHE.glob("choice-*"))
    site.GRADING_BACKEND = "fastest"
    with pytest.raises(BackendUnavailable, match="these would do: eager"):
        loading.load_grader(folder)


def test_the_sites_frames_show_every_grade_and_stay_the_same():
    drawn = loading.sample_frames()
    assert len(drawn) == 4
    for first, second in zip(drawn, loading.sample_frames(), strict=True):
        np.testing.assert_array_equal(first, second)


def test_the_command_prints_writes_and_keeps(site, folder, tmp_path, monkeypatch):
    monkeypatch.setattr(
        "diagnosis.management.commands.choose_backend.sample_frames", lambda: frames(1)
    )
    out, file = StringIO(), tmp_path / "measured.json"
    call_command(
        "choose_backend",
        *("--weights", str(folder), "--json", str(file), "--rounds", "1"),
        *("--only", "onnx", "bfloat16"),
        stdout=out,
    )
    written = json.loads(file.read_text())
    assert [row["backend"] for row in written["measured"]] == [
        "eager",
        "onnx",
        "bfloat16",
    ]
    (chosen,) = (
        line for line in out.getvalue().splitlines() if line.endswith("chosen")
    )
    assert chosen.split()[0] == written["chosen"]
    monkeypatch.setattr(loading, "choose", None)
    assert loading.load_grader(folder).backend.name == written["chosen"]


def test_the_command_reads_images_and_names_what_is_none(site, folder, tmp_path):
    images = tmp_path / "images"
    images.mkdir()
    Image.fromarray(frames(1)[0]).save(images / "frame.png")
    out = StringIO()
    arguments = ("--weights", str(folder), "--images", str(images))
    call_command("choose_backend", *arguments, "--rounds", "1", "--only", "eager",
                 stdout=out)  # fmt: skip
    assert out.getvalue().startswith("1 images, device cpu")
    (images / "text.png").write_text("no image")
    with pytest.raises(CommandError, match=r"text\.png"):
        call_command("choose_backend", *arguments, stdout=out)
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(CommandError, match="There must be an image"):
        call_command("choose_backend", "--images", str(empty), stdout=out)
    with pytest.raises(CommandError, match="No such file or folder"):
        call_command("choose_backend", "--images", "/nowhere", stdout=out)


def test_the_command_says_what_is_wrong_with_the_weights(site, tmp_path):
    with pytest.raises(CommandError, match="There are no weights in"):
        call_command("choose_backend", "--weights", str(tmp_path), stdout=StringIO())
    assert issubclass(BackendUnavailable, GradingError)
