"""The default weights: trained on three kinds of frames, measured fold by fold."""

import hashlib
import shutil
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import torch

from diagnosis.grading.manifest import MANIFEST, read_manifest
from diagnosis.grading.pipeline import Grader
from diagnosis.grading.weights import write_whole
from diagnosis.training.data_set.samples import Sample
from diagnosis.training.dataset import HELD_OUT, Tell, make_set
from diagnosis.training.figures import Figures, measure
from diagnosis.training.fitting.card import Origin
from diagnosis.training.kinds import (
    graded_by_share,
    grown_frames,
    phantom_frames,
    real_frames,
)
from diagnosis.training.material import Material, Numbers, join
from diagnosis.training.measuring import pairs
from diagnosis.training.measuring.bootstrap import Interval
from diagnosis.training.measuring.predictions import join as join_answers
from diagnosis.training.model_card import Kind, Measured, write_card
from diagnosis.training.pair import train_pair
from diagnosis.training.recipe import Recipe

FOLDS = ".folds"
PHANTOMS, REAL, GROWN = "phantoms", "real frames", "hydronephrosis grown into real"
SAYS = {
    PHANTOMS: "kidney, fluid and grade, exact",
    REAL: "fluid as outlined; a normal kidney is SFU 0-2, of others the share of fluid"
    " says which grades are probable",
    GROWN: "fluid and grade, exact",
}
MIXED, ALONE = "all three kinds, five folds", "phantoms alone"
PHANTOM_VERSION, MIXED_VERSION = "phantom-2", "mixed-1"


@dataclass(frozen=True)
class RealSet:
    """Real frames to learn from, and to be measured on fold by fold.

    Attributes:
        samples: with label, mask, group and fold.
        normal: the label of normal kidneys.
        origin: of the images, for the card.
    """

    samples: Sequence[Sample]
    normal: str
    origin: Origin


def train_default_weights(
    out: Path,
    recipe: Recipe,
    real: RealSet | None,
    *,
    processes: int,
    resamples: int,
    tell: Tell,
) -> Measured:
    """Train the default pair, and one more for each fold to say what it is worth.

    Without real frames it learns from phantoms alone. With them, the pairs of the
    folds show how a pair trained like that does on patients it has not seen; the
    default pair itself learns from all. Killed, the same call goes on: a finished pair
    is not trained again.

    Args:
        out: receives the weights, weights.json and MODEL_CARD.md, whole.
        recipe: what to do.
        real: real frames, where there are any.
        processes: pairs trained at the same time, each with one thread.
        resamples: of the bootstrap, for the intervals.
        tell: is given lines of progress.

    Raises:
        DataSetRefused: a frame or mask is damaged.
    """
    begin = time.monotonic()
    phantoms = phantom_frames(
        make_set(
            per_grade=recipe.per_grade, without=recipe.without, first_seed=0, tell=tell
        ),
        of_each=recipe.phantoms_of_each,
    )
    if real is None:
        version, kinds = PHANTOM_VERSION, {PHANTOMS: phantoms}
        figures: dict[str, dict[str, Interval]] = {}
    else:
        folds = _Folds.of(real, phantoms, recipe, tell)
        figures = folds.measured(
            out / FOLDS, recipe, processes=processes, resamples=resamples, tell=tell
        )
        version, kinds = MIXED_VERSION, folds.learnt(without=None)
    grader = train_pair(out, version, join(list(kinds.values())), recipe, tell=tell)
    measured = Measured(_on_phantoms(grader, recipe, tell), figures)
    minutes = (time.monotonic() - begin) / 60
    card = write_card(
        read_manifest(out)[0],
        recipe,
        [_kind(name, material) for name, material in kinds.items()],
        measured,
        origin=real.origin if real else None,
        minutes=minutes,
    )
    write_whole(out / "MODEL_CARD.md", card.encode())
    shutil.rmtree(out / FOLDS, ignore_errors=True)
    return measured


@dataclass(frozen=True, eq=False)
class _Folds:
    """Everything that pairs learn from and are measured on, fold by fold."""

    given: RealSet
    phantoms: Material
    real: Material
    grown: Material
    folds: Numbers
    grown_folds: Numbers

    @classmethod
    def of(
        cls, real: RealSet, phantoms: Material, recipe: Recipe, tell: Tell
    ) -> "_Folds":
        tell(f"reads {len(real.samples)} real frames")
        frames = real_frames(
            real.samples, normal=real.normal, per_exam=recipe.real_per_exam
        )
        grown = grown_frames(
            frames,
            of_each=recipe.grown_of_each,
            per_exam=recipe.grown_per_exam,
            seed=recipe.seed,
        )
        tell(f"grew hydronephrosis into real normal kidneys: {len(grown)} frames")
        folds = np.array([sample.fold for sample in real.samples])
        fold_of_exam = dict(zip(frames.exams.tolist(), folds.tolist(), strict=True))
        return cls(
            given=real,
            phantoms=phantoms,
            real=frames,
            grown=grown,
            folds=folds,
            grown_folds=np.array([fold_of_exam[e] for e in grown.exams.tolist()]),
        )

    def learnt(self, *, without: int | None) -> dict[str, Material]:
        """All three kinds, but nothing of one fold's patients."""
        grown = self.grown.of(np.flatnonzero(self.grown_folds != without))
        real = self.real.of(np.flatnonzero(self.folds != without))
        return {
            PHANTOMS: self.phantoms,
            REAL: graded_by_share(real, grown),
            GROWN: grown,
        }

    def answers(self, folder: Path, numbers: Numbers) -> pairs.Answers:
        """What a folder's pair says of some of the real frames."""
        return pairs.ask(
            folder,
            self.real.of(numbers),
            [self.given.samples[number] for number in numbers],
            normal=self.given.normal,
        )

    def digest(self, recipe: Recipe) -> str:
        """Of everything that decides a fold's pair, so that none is taken for another."""
        told = hashlib.sha256(repr((recipe, self.given)).encode())
        for frame, mask in zip(self.real.frames, self.real.masks, strict=True):
            told.update(frame.tobytes() + mask.tobytes())
        return told.hexdigest()[:16]

    def measured(
        self, work: Path, recipe: Recipe, *, processes: int, resamples: int, tell: Tell
    ) -> dict[str, dict[str, Interval]]:
        """Train a pair for each fold and one on phantoms alone, then ask them."""
        work /= self.digest(recipe)
        jobs: list[int | None] = [*sorted(set(self.folds.tolist())), None]
        # Forked, so that the frames are shared; torch has not computed anything yet.
        with ProcessPoolExecutor(
            processes,
            mp_context=get_context("fork"),
            initializer=_share,
            initargs=(self, recipe, tell),
        ) as pool:
            parts = list(pool.map(_train_and_ask, [work] * len(jobs), jobs))
        return {
            MIXED: pairs.measure(join_answers(parts[:-1]), resamples=resamples),
            ALONE: pairs.measure(parts[-1], resamples=resamples),
        }


_shared: tuple[_Folds, Recipe, Tell]  # of a forked process with its parent


def _share(folds: _Folds, recipe: Recipe, tell: Tell) -> None:
    global _shared
    _shared = folds, recipe, tell
    torch.set_num_threads(1)


def _train_and_ask(work: Path, fold: int | None) -> pairs.Answers:
    """Train without a fold and ask about it; None is phantoms alone, asked all."""
    folds, recipe, tell = _shared
    folder = work / ("phantoms" if fold is None else str(fold))
    name = ALONE if fold is None else f"without fold {fold}"
    if not (folder / MANIFEST).exists():
        train_pair(
            folder,
            name,
            folds.phantoms
            if fold is None
            else join(list(folds.learnt(without=fold).values())),
            recipe,
            tell=lambda line: tell(f"{name}: {line}"),
        )
    everything = np.arange(len(folds.folds))
    asked = everything if fold is None else everything[folds.folds == fold]
    return folds.answers(folder, asked)


def _on_phantoms(grader: Grader, recipe: Recipe, tell: Tell) -> Figures:
    held_out = make_set(
        per_grade=recipe.held_out,
        without=recipe.held_out,
        first_seed=HELD_OUT,
        tell=tell,
    )
    return measure(grader, held_out)


def _kind(name: str, material: Material) -> Kind:
    drawn = material.draw(np.random.default_rng(0))
    return Kind(name, len(material), len(drawn), SAYS[name])
