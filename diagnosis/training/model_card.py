"""The model card of a trained pair."""

from diagnosis.grading.manifest import Manifest
from diagnosis.grading.scale import Grade
from diagnosis.training.figures import Figures
from diagnosis.training.recipe import Recipe

_CARD = """\
# Default weights, {version}

**Synthetic, not for clinical use.** These networks have never seen an image of a
patient. They let the whole path from upload to grade run; what they say of a real
kidney means nothing.

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

{trained} synthetic ultrasound frames: {per_grade} of each grade, {without} without a
kidney (other organs, poor contact, no ultrasound at all). They come from
`diagnosis/training/phantoms.py`, which draws anatomy, speckle, attenuation and the
marks of a machine from a seed; masks and grades are exact by construction. No
third-party image or weight was used.

Segmenter: Adam {seg.rate} × {seg.decay} per epoch, {phases}; mean cross-entropy + 1 − Dice.
The paper's schedule (200 epochs at 473²) is shortened for two CPU cores. Classifier:
Adam {cls.rate} × {cls.decay} per epoch, {cls.epochs} epochs of batch {cls.batch}, balanced class
weights, on pictures merged with the segmenter's own masks.

## Measured on held-out phantoms

{graded} frames with a kidney, {empty} without, of seeds never trained on, through the
whole pipeline. Same generator as the training frames: these figures say that the
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

    python manage.py train_default_weights --out DIR --seed {recipe.seed}

took {minutes:.0f} minutes where these weights were made. Everything random comes from the
seed, and the phantoms are the same to the bit. Other processors and thread counts
round differently, so expect figures like these, not the same bytes.
"""


def write_card(
    manifest: Manifest, recipe: Recipe, figures: Figures, *, minutes: float
) -> str:
    """Fill in the card, Markdown; ``minutes`` is how long all of it took."""
    names = (*Grade, "no kidney")
    rows = [
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
        recipe=recipe,
        minutes=minutes,
        trained=len(Grade) * recipe.per_grade + recipe.without,
        per_grade=recipe.per_grade,
        without=recipe.without,
        seg=recipe.segmentation,
        cls=recipe.classification,
        phases=phases,
        dice=figures.dice,
        accuracy=figures.accuracy,
        right=round(figures.accuracy * figures.graded),
        graded=figures.graded,
        recognised=recognised,
        empty=empty,
        confusion="\n".join(rows),
    )
