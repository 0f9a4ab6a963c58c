"""A graded data set is made of normal frames, and no patient crosses its split."""

import csv
from io import StringIO

import numpy as np
import pytest
from django.core.management import CommandError, call_command
from PIL import Image

from diagnosis.grading.scale import Grade
from diagnosis.training.data_set.reading import Source, check_files, read_data_set
from tests.diagnosis.training.test_grown import normal_kidney


@pytest.fixture
def frames(tmp_path):
    """Six normal frames of three patients in two folds, one without a sinus, one ill."""
    folder = tmp_path / "frames"
    folder.mkdir()
    rows = []
    for number in range(6):
        Image.fromarray(normal_kidney(number)).save(folder / f"{number}.png")
        rows.append([f"{number}.png", "normal", f"p{number // 2}", number // 2 % 2])
    Image.new("L", (96, 96), 80).save(folder / "flat.png")
    Image.fromarray(normal_kidney(9)).save(folder / "ill.png")
    rows += [["flat.png", "normal", "p7", 0], ["ill.png", "abnormal", "p8", 1]]
    with (folder / "list.csv").open("w", newline="") as file:
        csv.writer(file).writerows([["path", "label", "group", "fold"], *rows])
    return folder


def run(frames, out, *options: str) -> str:
    said = StringIO()
    call_command("grow_frames", "--data", frames, "--out", out, *options, stdout=said)
    return said.getvalue()


def test_each_normal_frame_is_grown_in_each_grade(frames, tmp_path):
    out = tmp_path / "out"
    assert "6 frames are grown in each grade; 1 show no sinus" in run(frames, out)
    data = read_data_set(Source(out, fold=1), segmentation=False)
    assert len(data.samples) == 18
    assert data.classes == tuple(grade.value for grade in Grade)
    assert check_files(data, segmentation=False)
    train, val = ({s.group for s in data.of(side)} for side in ("train", "val"))
    assert (train, val) == ({"p0", "p2"}, {"p1"})


def test_segmenters_read_the_masks(frames, tmp_path):
    out = tmp_path / "out"
    run(frames, out)
    data = read_data_set(Source(out), segmentation=True)
    assert check_files(data, segmentation=True)
    severe = [s for s in data.samples if s.label == Grade.SFU_4.value]
    assert all(s.mask and np.asarray(Image.open(s.mask)).any() for s in severe)


def test_the_same_seed_makes_the_same_set(frames, tmp_path):
    for name in ("one", "two"):
        run(frames, tmp_path / name, "--seed", "7")
    one, two = (sorted((tmp_path / name).rglob("*.png")) for name in ("one", "two"))
    assert [p.read_bytes() for p in one] == [p.read_bytes() for p in two]


def test_what_cannot_be_done_is_said(frames, tmp_path):
    with pytest.raises(CommandError, match="No frame is labelled healthy"):
        run(frames, tmp_path / "out", "--label", "healthy")
    run(frames, tmp_path / "out")
    with pytest.raises(CommandError, match="is there already"):
        run(frames, tmp_path / "out")
