"""Predictions drawn from a seed."""

import numpy as np

from diagnosis.training.measuring.predictions import Predictions


def draw(seed=0, *, count=60, classes=3, groups=12, skill=1.0, sure=1.0):
    """Logits that lean towards the truth by ``skill``, times ``sure``."""
    rng = np.random.default_rng(seed)
    truth = np.concatenate(
        [np.arange(classes), rng.integers(classes, size=count - classes)]
    )
    logits = rng.normal(size=(count, classes)) + skill * np.eye(classes)[truth]
    return Predictions(
        logits=sure * logits,
        truth=truth,
        groups=rng.integers(groups, size=count),
        weights=rng.uniform(0.2, 2, size=count),
        classes=tuple("abcdef"[:classes]),
    )


def answered(truth, answers, *, classes=3):
    """Sure answers to known truths, every image a group of its own."""
    truth = np.array(truth)
    return Predictions(
        logits=10.0 * np.eye(classes)[np.array(answers)],
        truth=truth,
        groups=np.arange(len(truth)),
        weights=np.ones(len(truth)),
        classes=tuple("abcdef"[:classes]),
    )
