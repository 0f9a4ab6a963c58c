"""The model card of the default pair."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from diagnosis.grading.manifest import Manifest
from diagnosis.grading.scale import Grade
from diagnosis.training.figures import Figures
from diagnosis.training.fitting.card import Origin
from diagnosis.training.measuring.bootstrap import Interval
from diagnosis.training.recipe import Recipe

_CARD = """\
# Default weights, {version}

**Research only, not for clinical use.** {warning}

| | |
|---|---|
| Segmenter | {segmenter.network}, width {segmenter.width} (a quarter of the paper's), {segmenter.size}² |
| Classifier | {classifier.network}, width {classifier.width} (a quarter of the paper's), {classifier.size}² |
| Precision | stored as float16, computed as float32 |
| Classes | {classes} |
| Grades | {grades} |
| Merging | α = {alpha}, palette {palette} |
| No kidney found | marked area below {least_area:.1%} of the frame, or its mean probability below {least_confidence:.0%} |

## Trained on

| kind | frames | each epoch | what it says |
|---|---|---|---|
{kinds}

{origin}
Phantoms come from `diagnosis/training/phantoms.py`, which draws anatomy, speckle,
attenuation and the marks of a machine from a seed.{grown}

Segmenter: Adam {seg.rate} × {seg.decay} per epoch, {phases}; mean cross-entropy + 1 − Dice.
Where nobody outlined the kidney, kidney and background count as one class. Classifier:
Adam {cls.rate} × {cls.decay} per epoch, {cls.epochs} epochs of batch {cls.batch}, balanced class
weights, on pictures merged with the segmenter's own masks. The paper's schedules (200
epochs at 473², 50 at 224²) are shortened for two CPU cores. Nothing was chosen by a
figure below.

{real}## Measured on held-out phantoms

{graded} frames with a kidney, {empty} without, of seeds never trained on, through the
whole pipeline. Same generator as the training phantoms: these figures say that the
path works, not that it would work on patients.

| | Dice, pixels pooled |
|---|---|
| background | {dice[0]:.3f} |
| kidney | {dice[1]:.3f} |
| hydronephrotic area | {dice[2]:.3f} |

Grade right (a kidney not found counts as wrong): **{right} of {graded}** ({accuracy:.1%}).
Frames without a kidney recognised: **{recognised} of {empty}**.

| truth \\ answer | SFU 0-2 | SFU 3 | SFU 4 | no kidney |
|---|---|---|---|---|
{confusion}

## Reproduce

    python manage.py train_default_weights --out DIR --seed {recipe.seed}{options}

took {minutes:.0f} minutes where these weights were made. Everything random comes from the
seed, and the phantoms are the same to the bit. Other processors and thread counts
round differently, so expect figures like these, not the same bytes.
"""

_REAL = """\
## Measured on real frames

Five folds by exam, or as many as the list names: a pair trained like this one on the other folds answered the
frames of each, so every frame was answered by a pair that knows neither it nor its
patient. The pair in this folder learnt from all of them and cannot be measured here.
In brackets 95 % of a bootstrap over patients.

| trained on | AUC, exams alike | AUC, frames alike | Dice of fluid | by exam | Spearman | by patient | kidney found |
|---|---|---|---|---|---|---|---|
{rows}

AUC: abnormal against normal by the mean probability of fluid over the frame. Dice: mean over
the frames with fluid. Spearman: expected grade against the share of the frame that is
truly fluid. Nobody graded these frames: no figure here says how often a grade is right.

"""

_SYNTHETIC = (
    "These networks have never seen an image of a patient. They let the whole path"
    " from upload to grade run; what they say of a real kidney means nothing."
)
_MIXED = (
    "No frame of a patient was graded by anybody: grades were learnt from drawn and"
    " grown hydronephrosis and from how much fluid real frames show. They say how"
    " much fluid looks to be there, not what a urologist would say."
)
_COLUMNS = (
    "auc",
    "auc_alike",
    "dice",
    "dice_by_exam",
    "spearman",
    "spearman_by_exam",
    "found",
)


@dataclass(frozen=True)
class Kind:
    """A row of what was learnt from.

    Attributes:
        name: of the kind.
        frames: how many there are.
        drawn: how many of them an epoch draws.
        says: what is known of them.
    """

    name: str
    frames: int
    drawn: int
    says: str


@dataclass(frozen=True)
class Measured:
    """What came out.

    Attributes:
        phantoms: the finished pair on held-out phantoms.
        real: by what the pairs had learnt from, the figures on real frames of
            patients that they had not; empty without real frames.
    """

    phantoms: Figures
    real: Mapping[str, Mapping[str, Interval]]


def write_card(
    manifest: Manifest,
    recipe: Recipe,
    kinds: Sequence[Kind],
    measured: Measured,
    *,
    origin: Origin | None,
    minutes: float,
) -> str:
    """Fill in the card, Markdown.

    Args:
        manifest: of the finished pair.
        recipe: how it was trained.
        kinds: on what.
        measured: what it reaches.
        origin: of the real frames; None without any.
        minutes: how long all of it took.
    """
    figures = measured.phantoms
    names = (*Grade, "no kidney")
    confusion = [
        f"| {name} | {' | '.join(str(count) for count in row)} |"
        for name, row in zip(names, figures.confusion, strict=True)
    ]
    phases = ", then ".join(
        f"{phase.epochs} epochs of batch {phase.batch} at {phase.size}²"
        for phase in recipe.segmentation.phases
    )
    recognised, empty = figures.empty
    return _CARD.format(
        **vars(manifest)
        | {"classes": ", ".join(manifest.classes)}
        | {"grades": ", ".join(manifest.grades)},
        warning=_MIXED if origin else _SYNTHETIC,
        kinds="\n".join(
            f"| {kind.name} | {kind.frames} | {kind.drawn} | {kind.says} |"
            for kind in kinds
        ),
        origin=f"Real frames: {origin.source}. Licence: {origin.licence}.\n"
        if origin
        else "No third-party image or weight was used.\n",
        grown=" Grown frames are real normal kidneys into whose sinus\n"
        "`diagnosis/training/grown.py` puts fluid of a known grade."
        if origin
        else "",
        real=_REAL.format(rows="\n".join(_row(*each) for each in measured.real.items()))
        if measured.real
        else "",
        options=" --data LIST --images FRAMES" if origin else "",
        recipe=recipe,
        minutes=minutes,
        seg=recipe.segmentation,
        cls=recipe.classification,
        phases=phases,
        dice=figures.dice,
        accuracy=figures.accuracy,
        right=round(figures.accuracy * figures.graded),
        graded=figures.graded,
        recognised=recognised,
        empty=empty,
        confusion="\n".join(confusion),
    )


def _row(name: str, figures: Mapping[str, Interval]) -> str:
    cells = [
        f"{each.value:.3f} ({each.low:.3f}–{each.high:.3f})"
        for each in (figures[column] for column in _COLUMNS)
    ]
    return f"| {' | '.join((name, *cells))} |"
