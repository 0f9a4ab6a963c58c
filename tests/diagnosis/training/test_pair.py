"""From kinds of frames to a folder of weights, in miniature."""

import shutil
from dataclasses import replace

import numpy as np
import pytest
from django.core.management import CommandError, call_command
from PIL import Image

from diagnosis.grading.pipeline import Grader
from diagnosis.grading.scale import Grade
from diagnosis.training import default_weights
from diagnosis.training.classification import ClassificationRecipe
from diagnosis.training.data_set.reading import Source, read_data_set
from diagnosis.training.dataset import make_set
from diagnosis.training.default_weights import RealSet, train_default_weights
from diagnosis.training.fitting.card import Origin
from diagnosis.training.kinds import phantom_frames
from diagnosis.training.recipe import Recipe
from diagnosis.training.segmentation import Phase, SegmentationRecipe
from tests.diagnosis.training.data_set.drawing import draw_image, write_list

TINY = Recipe(
    per_grade=2,
    without=1,
    held_out=1,
    phantoms_of_each=1,
    segmentation=SegmentationRecipe(phases=(Phase(97, 2, 2, (0.5, 1.0)),)),
    classification=ClassificationRecipe(epochs=1, batch=3, size=64),
)
FILES = {"segmenter.safetensors", "classifier.safetensors", "weights.json"}
SIDE = 80


def draw_real(folder, *, patients=4):
    """Two folds of patients, each with a normal and an abnormal frame."""
    rows = []
    for number in range(2 * patients):
        label = "abnormal" if number % 2 else "normal"
        path = draw_image(folder / f"{number}.png", number=number, side=SIDE)
        pixels = np.array(Image.open(path))
        mask = np.zeros_like(pixels)
        pixels[25:55, 25:55] += 60  # the sinus, where fluid can be grown
        if label == "abnormal":
            mask[30 : 40 + number, 30:50] = 255
            pixels[mask > 0] = 5
        Image.fromarray(pixels).save(path)
        Image.fromarray(mask).save(folder / f"{number}_M.png")
        patient, fold = str(number // 2), str(number // 2 % 2)
        rows.append(
            {
                "path": path.name,
                "label": label,
                "mask": f"{number}_M.png",
                "group": patient,
                "fold": fold,
            }
        )
    return write_list(folder / "list.csv", rows)


def real_set(folder):
    data = read_data_set(Source(draw_real(folder), split=False), segmentation=True)
    return RealSet(data.samples, "normal", Origin("drawn here", "free"))


def train(folder, real=None, recipe=TINY):
    told: list[str] = []
    measured = train_default_weights(
        folder, recipe, real, processes=2, resamples=20, tell=told.append
    )
    return measured, told


@pytest.mark.slow
def test_phantoms_alone_make_a_pair_that_loads_and_says_so(tmp_path):
    measured, told = train(tmp_path)
    figures = measured.phantoms
    assert {path.name for path in tmp_path.iterdir()} == FILES | {"MODEL_CARD.md"}
    assert (figures.graded, figures.empty[1]) == (3, 1)
    assert measured.real == {}
    card = (tmp_path / "MODEL_CARD.md").read_text()
    assert "| phantoms | 7 | 7 | kidney, fluid and grade, exact |" in card
    assert "never seen an image of a patient" in card
    assert "No third-party image or weight was used." in card
    assert "real frames" not in card
    assert f"{figures.dice[1]:.3f}" in card
    assert "epoch 2/2" in " ".join(told)
    assert Grader.load(tmp_path).manifest.version == "phantom-2"


@pytest.mark.slow
def test_real_frames_are_measured_by_pairs_that_do_not_know_them(tmp_path):
    real = real_set(tmp_path / "frames")
    out = tmp_path / "out"
    measured, _ = train(out, real)
    assert set(measured.real) == {"all three kinds, five folds", "phantoms alone"}
    for figures in measured.real.values():
        assert 0 <= figures["auc"].value <= 1
        assert 0 <= figures["dice"].value <= 1
        assert figures["auc"].low <= figures["auc"].high
    assert {path.name for path in out.iterdir()} == FILES | {"MODEL_CARD.md"}
    manifest = Grader.load(out).manifest
    assert (manifest.version, manifest.segmenter.size) == ("mixed-1", 97)
    assert manifest.classifier.size == 64
    card = (out / "MODEL_CARD.md").read_text()
    assert "Research only, not for clinical use" in card
    assert "Real frames: drawn here. Licence: free." in card
    assert f"{measured.real['phantoms alone']['dice'].value:.3f}" in card


@pytest.mark.slow
def test_killed_after_some_folds_it_trains_only_the_others(tmp_path, monkeypatch):
    real, out = real_set(tmp_path / "frames"), tmp_path / "out"

    def fail(*_args: object, **_options: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as broken:
        broken.setattr(default_weights, "_on_phantoms", fail)
        with pytest.raises(KeyboardInterrupt):
            train(out, real)
    kept = {
        path: path.stat().st_mtime_ns
        for path in (out / ".folds").rglob("*.safetensors")
    }
    assert len(kept) == 6
    with monkeypatch.context() as watched:
        watched.setattr(shutil, "rmtree", lambda *_, **__: None)
        train(out, real)
    assert all(path.stat().st_mtime_ns == then for path, then in kept.items())


def test_a_pair_of_another_recipe_or_other_frames_is_not_gone_on_with(tmp_path):
    def digest(recipe: Recipe, real: RealSet) -> str:
        phantoms = phantom_frames(
            make_set(per_grade=1, without=0, first_seed=0, tell=lambda line: None),
            of_each=1,
        )
        folds = default_weights._Folds.of(real, phantoms, recipe, lambda line: None)
        return folds.digest(recipe)

    real = real_set(tmp_path / "frames")
    same = digest(TINY, real)
    assert digest(TINY, real) == same
    assert digest(replace(TINY, seed=1), real) != same
    draw_image(tmp_path / "frames" / "0.png", number=99, side=SIDE)
    assert digest(TINY, real) != same


def test_nothing_of_a_fold_is_learnt_where_it_is_measured(tmp_path):
    real = real_set(tmp_path / "frames")
    phantoms = phantom_frames(
        make_set(per_grade=1, without=0, first_seed=0, tell=lambda line: None),
        of_each=1,
    )
    folds = default_weights._Folds.of(real, phantoms, TINY, lambda line: None)
    assert set(folds.grown_folds.tolist()) == {0, 1}
    for fold in (0, 1):
        kinds = folds.learnt(without=fold)
        kept = set(folds.real.exams[folds.folds != fold].tolist())
        assert set(kinds["real frames"].exams.tolist()) == kept
        grown = kinds["hydronephrosis grown into real"]
        assert set(grown.exams.tolist()) <= kept
        assert len(grown) == 3 * len(set(grown.exams.tolist())) > 0


@pytest.mark.parametrize(
    ("normal", "sentence"),
    [("healthy", "Some frames must be labelled healthy and some not; the labels here")],
)
def test_a_label_that_no_frame_has_is_refused(tmp_path, normal, sentence):
    data = draw_real(tmp_path)
    with pytest.raises(CommandError, match=sentence):
        call_command(
            *("train_default_weights", "--out", str(tmp_path / "out")),
            *("--data", str(data), "--normal", normal),
        )


@pytest.mark.slow
def test_a_set_holds_the_grades_in_turn_with_the_same_frames_each_time():
    sets = [
        make_set(per_grade=1, without=1, first_seed=5, tell=lambda line: None)
        for _ in range(2)
    ]
    assert sets[0].grades == (*Grade, None)
    assert (sets[0].frames == sets[1].frames).all()
    assert list(sets[0].graded) == [0, 1, 2]
