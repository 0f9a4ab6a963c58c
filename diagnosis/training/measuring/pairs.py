"""What a pair of networks reaches on real frames whose fluid is known.

Nobody has graded public frames, so the grade is held against the share of the frame
that is fluid: the more of it, the higher the grade ought to be.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from scipy.stats import spearmanr
from sklearn.metrics import roc_auc_score
from torch import nn

from diagnosis.grading.framing import Letterbox, Pixels
from diagnosis.grading.manifest import read_manifest
from diagnosis.grading.outlining import certainty_of_marks, labels
from diagnosis.grading.pipeline import Grader
from diagnosis.grading.referral import look_at_mask
from diagnosis.grading.tensors import to_batch
from diagnosis.grading.weights import load_network
from diagnosis.training.data_set.samples import Sample, exam_weights
from diagnosis.training.material import Material, squared
from diagnosis.training.measuring.answers import group_numbers
from diagnosis.training.measuring.bootstrap import Interval, intervals
from diagnosis.training.measuring.classification import Figures
from diagnosis.training.measuring.predictions import Floats, Numbers
from diagnosis.training.pair import merged_picture

BATCH = 16
FLUID = 2
SEED = 0


@dataclass(frozen=True, eq=False)
class Answers:
    """What a pair answered to N frames, beside what is known of them.

    Attributes:
        abnormal: (N,) whether the kidney is labelled so.
        truth: (N,) the share of the frame that is fluid.
        share: (N,) the pair's: the mean probability of fluid.
        dice: (N,) of fluid, in the frame's own size; NaN without true fluid.
        expected: (N,) Σ grade × probability, from 0 (SFU 0-2) to 2 (SFU 4).
        found: (N,) whether a kidney was found.
        groups: (N,) the patient.
        weights: (N,) 1 ÷ (frames of the exam and label).
    """

    abnormal: Numbers
    truth: Floats
    share: Floats
    dice: Floats
    expected: Floats
    found: Floats
    groups: Numbers
    weights: Floats


def ask(
    folder: Path, material: Material, samples: Sequence[Sample], *, normal: str
) -> Answers:
    """Let a folder's pair answer every frame, through the pipeline's own steps.

    A frame in which it finds no kidney is graded all the same.

    Args:
        folder: of the weights.
        material: real frames.
        samples: that they were read from.
        normal: the label of normal kidneys.
    """
    manifest, _ = read_manifest(folder)
    segmenter = load_network(folder, manifest.segmenter)
    classifier = load_network(folder, manifest.classifier)
    grader = Grader(
        manifest=manifest, sha256="", segmenter=segmenter, classifier=classifier
    )
    rows = [
        row
        for start in range(0, len(material), BATCH)
        for row in _ask(
            grader,
            segmenter,
            classifier,
            material.of(np.arange(start, min(start + BATCH, len(material)))),
        )
    ]
    share, dice, expected, found = np.array(rows, dtype=np.float64).T
    return Answers(
        abnormal=np.array([sample.label != normal for sample in samples]),
        truth=material.shares.astype(np.float64),
        share=share,
        dice=dice,
        expected=expected,
        found=found,
        groups=group_numbers(samples),
        weights=np.array(exam_weights(samples)),
    )


def measure(answers: Answers, *, resamples: int) -> dict[str, Interval]:
    """Every figure with its interval, drawn over patients.

    Returns:
        ``auc``: abnormal against normal by the share of fluid, each exam weighing
        the same; ``auc_alike``: each frame weighing the same; ``dice``: of fluid,
        mean over the frames that have some; ``dice_by_exam``: each exam weighing the
        same; ``spearman``: expected grade against the true share, over frames;
        ``spearman_by_exam``: over the means of each patient; ``found``: the share of
        frames with a kidney found.
    """
    return intervals(
        lambda numbers: _figures(answers, numbers),
        answers.groups,
        resamples=resamples,
        seed=SEED,
    )


@torch.inference_mode()
def _ask(
    grader: Grader, segmenter: nn.Module, classifier: nn.Module, material: Material
) -> list[tuple[float, float, float, float]]:
    """Share, Dice, expected grade and whether a kidney was found, of each frame."""
    size = grader.manifest.segmenter.size
    frames, _ = squared(material, size)
    logits = segmenter(to_batch(frames))
    rows, pictures = [], []
    for number, (frame, truth) in enumerate(
        zip(material.frames, material.masks, strict=True)
    ):
        shape = (frame.shape[0], frame.shape[1])
        own = logits[number][:, *Letterbox.of(shape, (size, size)).window]
        mask = labels(own, shape)
        pictures.append(merged_picture(grader, frame, mask))
        found = look_at_mask(mask, certainty_of_marks(own), grader.manifest) is None
        rows.append(
            (
                float(own.softmax(dim=0)[FLUID].mean()),
                _dice(mask == FLUID, truth == FLUID),
                float(found),
            )
        )
    grades = classifier(to_batch(np.stack(pictures))).double().softmax(dim=1)
    expected = (grades @ torch.arange(grades.shape[1]).double()).tolist()
    return [
        (share, dice, grade, found)
        for (share, dice, found), grade in zip(rows, expected, strict=True)
    ]


def _dice(answer: Pixels, truth: Pixels) -> float:
    if not truth.any():
        return float("nan")
    return float(2 * (answer & truth).sum() / (answer.sum() + truth.sum()))


def _figures(answers: Answers, numbers: Numbers) -> Figures:
    abnormal, share = answers.abnormal[numbers], answers.share[numbers]
    weights = answers.weights[numbers]
    dice = answers.dice[numbers]
    wet = ~np.isnan(dice)
    both = 0 < abnormal.mean() < 1
    return {
        "auc": roc_auc_score(abnormal, share, sample_weight=weights)
        if both
        else float("nan"),
        "auc_alike": roc_auc_score(abnormal, share) if both else float("nan"),
        "dice": float(dice[wet].mean()),
        "dice_by_exam": float(np.average(dice[wet], weights=weights[wet])),
        "spearman": _spearman(answers.expected[numbers], answers.truth[numbers]),
        "spearman_by_exam": _spearman(
            _means(answers.expected[numbers], answers.groups[numbers]),
            _means(answers.truth[numbers], answers.groups[numbers]),
        ),
        "found": float(answers.found[numbers].mean()),
    }


def _means(values: Floats, groups: Numbers) -> Floats:
    present, place = np.unique(groups, return_inverse=True)
    means: Floats = np.bincount(place, values) / np.bincount(place)
    return means[: len(present)]


def _spearman(one: Floats, other: Floats) -> float:
    return float(spearmanr(one, other).statistic)
