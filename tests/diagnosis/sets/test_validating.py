"""A run is measured on the hospital's side, against its labels and its version's card."""

from io import BytesIO

import pytest
from PIL import Image

from diagnosis import set_validating
from diagnosis.grading.scale import Grade
from diagnosis.models import Purpose
from diagnosis.set_reading import validation_of
from diagnosis.training.dataset import HELD_OUT
from diagnosis.training.phantoms import Phantom, make_phantom
from diagnosis.validation.card import card_figures
from portal.row_security import examining, in_the_name_of
from tests.cast import Cast
from tests.diagnosis.sets.sending import graded, now

pytestmark = pytest.mark.slow


def phantoms() -> dict[str, bytes]:
    """Two kidneys of each grade, in a folder for each."""
    return {
        f"{grade.value}/{number}.png": png_of(make_phantom(grade, HELD_OUT + number))
        for grade in Grade
        for number in range(2)
    }


def png_of(phantom: Phantom) -> bytes:
    out = BytesIO()
    Image.fromarray(phantom.pixels).save(out, "PNG")
    return out.getvalue()


def test_the_card_is_that_of_the_version_that_graded_wherever_its_weights_lie(
    cast: Cast, tmp_path, settings
):
    run = graded(cast.carl, phantoms(), Purpose.VALIDATION)
    settings.MODEL_DIR = tmp_path  # another machine, or another version's folder
    set_validating.validate(run.pk)
    with in_the_name_of(examining(run.data_set_id)):
        measured = now(run)
        assert measured.report_failure == ""
        report = validation_of(measured)
    said = card_figures(cast.version.card)
    assert report is not None
    assert said is not None
    assert report["card"]["images"] == said.images
    assert report["card"]["right"] == said.right
    assert report["model_version"] == cast.version.name
    assert report["drift"]
