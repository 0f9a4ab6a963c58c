"""A series in, a report out; weights that nobody trained prove the rails, no skill."""

import json
from dataclasses import replace
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from diagnosis.grading.errors import WeightsRejected
from diagnosis.lung import pipeline
from diagnosis.lung.errors import LungReportRejected
from diagnosis.lung.pipeline import LungGrader
from diagnosis.lung.report import LungReport
from diagnosis.lung.series import opened_series
from diagnosis.organs import KIDNEY, LUNG, ORGANS, organ_of
from tests.diagnosis.imaging.files import dicom, encoded, picture
from tests.diagnosis.lung.scanning import (
    FILE,
    slices,
    write,
    write_weights,
    zipped,
)


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    return write_weights(tmp_path_factory.mktemp("weights"))


@pytest.fixture(scope="module")
def grader(weights):
    return LungGrader.load(weights)


@pytest.fixture(scope="module")
def scan(tmp_path_factory):
    """Five slices, of which a good part is as dense as lung."""
    return write(tmp_path_factory.mktemp("scan"), slices(5))


def grade(grader, path):
    with opened_series(path) as series:
        return replace(grader.grade(series), seconds={})


def command(*arguments):
    out = StringIO()
    call_command("grade_file", *map(str, arguments), "--json", stdout=out)
    return [json.loads(line) for line in out.getvalue().splitlines()]


def test_shuffled_slices_give_the_same_report(grader, scan, tmp_path):
    names = [path.name for path in sorted(scan.iterdir())]
    shuffled = tmp_path / "shuffled"
    shuffled.mkdir()
    for name, other in zip(names, [names[at] for at in (3, 0, 4, 2, 1)], strict=True):
        (shuffled / other).write_bytes((scan / name).read_bytes())
    report = grade(grader, scan)
    assert report.finding
    assert report.slices == len(report.lengths) == 5
    assert len(set(report.lengths)) == 5
    assert grade(grader, shuffled) == report
    assert grade(grader, zipped(shuffled, tmp_path / "scan.zip")) == report


def test_micro_batches_change_nothing_that_matters(grader, scan, monkeypatch):
    whole = grade(grader, scan)
    monkeypatch.setattr(pipeline, "MICRO_BATCH", 2)
    parts = grade(grader, scan)
    assert parts.finding == whole.finding
    for one, other in zip(parts.lengths, whole.lengths, strict=True):
        assert one == pytest.approx(other, abs=1e-5)


def test_outputs_are_read_by_their_names(grader, scan, weights):
    turned = LungGrader(
        manifest=replace(
            grader.manifest, classes=tuple(reversed(grader.manifest.classes))
        ),
        sha256=grader.sha256,
        network=grader._network,
    )
    straight = [length[::-1] for length in grade(grader, scan).lengths]
    assert list(grade(turned, scan).lengths) == straight


@pytest.mark.parametrize(
    ("limits", "reason"),
    [
        ({"least_slices": 6}, "only 5 slices"),
        ({"least_aerated": 1.0}, "does not seem to show the chest"),
        ({"least_certainty": 1.0}, "undecided"),
    ],
)
def test_what_cannot_be_answered_goes_to_a_person(grader, scan, limits, reason):
    doubting = LungGrader(
        manifest=replace(grader.manifest, **limits),
        sha256=grader.sha256,
        network=grader._network,
    )
    report = grade(doubting, scan)
    assert report.finding is None
    assert report.probabilities is None
    assert reason in report.reason
    assert LungReport.from_json(report.to_json()) == report


def test_a_report_says_the_same_after_a_journey_and_no_other_thing(grader, scan):
    report = grade(grader, scan)
    content = report.to_json()
    assert LungReport.from_json(content) == report
    fields = json.loads(content)
    likelier = {"COVID": 0.9, "non-COVID": 0.1}
    for change in (
        {"probabilities": likelier},
        {"slices": 6},
        {"extra": 1},
        {"rule": "the doctor's mood"},
        {"reason": "also a reason"},
        {"lengths": [*fields["lengths"][:-1], [0.5, 2.0]]},
    ):
        changed = json.dumps(fields | change, sort_keys=True, separators=(",", ":"))
        with pytest.raises(LungReportRejected):
            LungReport.from_json(changed.encode())
    with pytest.raises(LungReportRejected):
        LungReport.from_json(b"[1, 2]")


def test_without_weights_there_is_no_answer_but_a_sentence(scan, tmp_path):
    with pytest.raises(CommandError, match=r"needs weights.*None are shipped"):
        command(scan)
    with pytest.raises(CommandError, match="no weights for lung CT in"):
        command(scan, "--weights", tmp_path)


def test_changed_weights_or_another_network_are_refused(tmp_path):
    write_weights(tmp_path)
    manifest = json.loads((tmp_path / "lung.json").read_text())
    for change in (
        {"network": manifest["network"] | {"network": "ResNet-W"}},
        {"network": manifest["network"] | {"file": "../x"}},
        {"classes": ["sick", "well"]},
        {"rule": "best of three"},
        {"windows": manifest["windows"][:2]},
    ):
        (tmp_path / "lung.json").write_text(json.dumps(manifest | change))
        with pytest.raises(WeightsRejected, match="needs"):
            LungGrader.load(tmp_path)
    (tmp_path / "lung.json").write_text(json.dumps(manifest))
    with (tmp_path / FILE).open("r+b") as file:
        file.seek(-1, 2)
        file.write(b"!")
    with pytest.raises(WeightsRejected, match="SHA-256"):
        LungGrader.load(tmp_path)


def test_the_command_grades_a_folder_of_slices(scan, weights, tmp_path):
    for options in ((), ("--organ", "lung")):
        (answer,) = command(scan, "--weights", weights, *options)
        assert answer["outcome"] == "graded"
        assert answer["slices"] == 5
        assert answer["finding"] in LUNG.answers
        assert sum(answer["probabilities"].values()) == pytest.approx(1)
    out = StringIO()
    call_command("grade_file", str(scan), "--weights", str(weights), stdout=out)
    assert "from 5 slices" in out.getvalue()


def test_the_command_refuses_an_ultrasound_as_a_lung(weights, tmp_path):
    path = tmp_path / "kidney.dcm"
    path.write_bytes(dicom(picture()))
    (answer,) = command(path, "--weights", weights, "--organ", "lung")
    assert answer["outcome"] == "refused"
    assert "an ultrasound (US), not a computed tomography" in answer["refused"]


def test_an_organ_is_chosen_by_what_lies_there(scan, tmp_path):
    (tmp_path / "us.dcm").write_bytes(dicom(picture()))
    (tmp_path / "us.png").write_bytes(encoded(picture()))
    (tmp_path / "text").write_text("neither")
    archive = zipped(scan, tmp_path / "scan.zip")
    assert {organ_of(path) for path in (scan, archive, next(scan.iterdir()))} == {LUNG}
    assert {
        organ_of(path) for path in (tmp_path / "us.dcm", tmp_path / "us.png", tmp_path)
    } == {KIDNEY}
    assert organ_of(tmp_path / "text") == KIDNEY
    with (tmp_path / "huge").open("wb") as file:
        file.truncate(1 << 40)  # a hole: nobody must read it whole
    assert organ_of(tmp_path / "huge") == KIDNEY
    assert organ_of(tmp_path / "nothing there") == KIDNEY


def test_every_organ_says_what_it_takes_and_needs():
    for name, organ in ORGANS.items():
        assert organ.name == name
        assert organ.takes
        assert organ.needs
        assert organ.run_by
        assert organ.answers


@pytest.mark.slow
def test_labelled_series_become_a_grader(tmp_path):
    """The whole road, with a network that learns for one epoch: no skill is meant."""
    for finding, dense in (("COVID", 300), ("non-COVID", 0)):
        for patient in range(2):
            folder = tmp_path / "data" / finding / f"{finding}-{patient}"
            write(folder, slices(3, dense=dense))
    pictures, trained = tmp_path / "pictures", tmp_path / "trained"
    call_command("window_ct", data=tmp_path / "data", out=pictures, stdout=StringIO())
    recipe = ("--width", "quarter", "--epochs", "1", "--batch", "4", "--seed", "5")
    places = ("--data", str(pictures), "--out", str(trained))
    call_command("train_network", "IV3*", *places, *recipe)
    adopting = ("--data", str(pictures), "--set-version", "one epoch")
    call_command("adopt_lung", str(trained), *adopting, stdout=StringIO())
    card = (trained / "LUNG_CARD.md").read_text()
    assert "air to water, -1000 to 0 HU" in card
    assert "not for clinical use" in card
    (answer,) = command(tmp_path / "data" / "COVID" / "COVID-0", "--weights", trained)
    assert answer["model_version"] == "one epoch"
    assert answer["outcome"] == "referred"
    next((pictures / "COVID").rglob("*.png")).unlink()
    with pytest.raises(CommandError, match="did not learn from the pictures"):
        call_command("adopt_lung", str(trained), *adopting)
