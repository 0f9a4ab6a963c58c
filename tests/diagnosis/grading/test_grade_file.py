"""The command that grades files."""

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from diagnosis.grading.scale import Grade
from diagnosis.training.dataset import HELD_OUT
from diagnosis.training.phantoms import sample_image

SEED = HELD_OUT + 500


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A kidney, a frame without one, an empty file, a text, a hidden file."""
    folder = tmp_path_factory.mktemp("images")
    (folder / "deep" / "er").mkdir(parents=True)
    (folder / "deep" / "er" / "kidney.png").write_bytes(sample_image(Grade.SFU_4, SEED))
    (folder / "noise.png").write_bytes(sample_image(None, SEED))
    (folder / "empty.png").write_bytes(b"")
    (folder / "text.png").write_text("no image")
    (folder / ".hidden").write_text("not looked at")
    return folder


def lines(*arguments):
    out = StringIO()
    call_command("grade_file", *map(str, arguments), "--json", stdout=out)
    return [json.loads(line) for line in out.getvalue().splitlines()]


def test_writes_one_object_a_line_for_every_file_under_a_folder(folder):
    answers = {answer["path"].rsplit("/", 1)[-1]: answer for answer in lines(folder)}
    assert {name: answer["outcome"] for name, answer in answers.items()} == {
        "kidney.png": "graded",
        "noise.png": "no kidney found",
        "empty.png": "refused",
        "text.png": "refused",
    }
    kidney = answers["kidney.png"]
    assert kidney["grade"] == "SFU 4"
    assert set(kidney["probabilities"]) == set(Grade)
    assert 0 < kidney["fluid_fraction"] < 1
    assert 0 < kidney["hydronephrosis_index"] < 1
    assert kidney["refused"] is None
    assert answers["noise.png"]["reason"].startswith("No kidney found")
    assert answers["noise.png"]["refused"] is None
    assert answers["text.png"]["refused"].endswith(".")
    assert answers["text.png"]["grade"] is None


def test_speaks_to_people_without_the_option(folder):
    out = StringIO()
    call_command("grade_file", str(folder), stdout=out)
    assert "kidney.png: SFU 4 (SFU 0-2 " in out.getvalue()
    assert "No kidney found" in out.getvalue()


def test_grades_the_rest_but_fails_where_a_path_does_not_exist(folder):
    out = StringIO()
    with pytest.raises(CommandError, match="No such file or folder: /nowhere"):
        call_command(
            "grade_file", "/nowhere", str(folder / "text.png"), "--json", stdout=out
        )
    assert len(out.getvalue().splitlines()) == 1


def test_says_what_is_wrong_with_the_weights(folder, tmp_path):
    with pytest.raises(CommandError, match="There are no weights in"):
        call_command("grade_file", str(folder), "--weights", str(tmp_path))


def test_refuses_a_frame_that_a_file_does_not_have(folder):
    (answer,) = lines(folder / "noise.png", "--frame", "3")
    assert "frame" in answer["refused"]


def test_refuses_a_file_larger_than_an_upload_may_be(folder, settings):
    settings.MAX_UPLOAD_BYTES = 100
    (answer,) = lines(folder / "noise.png")
    assert "more than the 100" in answer["refused"]
