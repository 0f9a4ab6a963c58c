"""From a recipe to a folder of weights, in miniature."""

import pytest

from diagnosis.grading.pipeline import Grader
from diagnosis.grading.scale import Grade
from diagnosis.training.classification import ClassificationRecipe
from diagnosis.training.dataset import make_set
from diagnosis.training.pair import train_pair
from diagnosis.training.recipe import Recipe
from diagnosis.training.segmentation import Phase, SegmentationRecipe

TINY = Recipe(
    per_grade=2,
    without=1,
    held_out=1,
    segmentation=SegmentationRecipe(phases=(Phase(97, 2, 2, (0.5, 1.0)),)),
    classification=ClassificationRecipe(epochs=1, batch=3),
)


@pytest.mark.slow
def test_trains_measures_and_writes_a_pair_that_loads(tmp_path):
    told: list[str] = []
    figures = train_pair(tmp_path, TINY, tell=told.append)
    assert {path.name for path in tmp_path.iterdir()} == {
        "segmenter.safetensors",
        "classifier.safetensors",
        "weights.json",
        "MODEL_CARD.md",
    }
    assert (figures.graded, figures.empty[1]) == (3, 1)
    card = (tmp_path / "MODEL_CARD.md").read_text()
    assert "7 synthetic ultrasound frames: 2 of each grade, 1 without" in card
    assert "Synthetic, not for clinical use" in card
    assert f"{figures.dice[1]:.3f}" in card
    assert "epoch 2/2" in " ".join(told)
    assert Grader.load(tmp_path).manifest.version


@pytest.mark.slow
def test_a_set_holds_the_grades_in_turn_with_the_same_frames_each_time():
    sets = [
        make_set(per_grade=1, without=1, first_seed=5, tell=lambda line: None)
        for _ in range(2)
    ]
    assert sets[0].grades == (*Grade, None)
    assert (sets[0].frames == sets[1].frames).all()
    assert list(sets[0].graded) == [0, 1, 2]
