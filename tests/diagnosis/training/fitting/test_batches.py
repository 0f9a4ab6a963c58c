"""Which samples make a batch."""

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from diagnosis.training.data_set.samples import Sample
from diagnosis.training.errors import RunRefused
from diagnosis.training.fitting.batches import (
    Share,
    first_of_each_exam,
    measuring_draws,
    thinned,
    training_draws,
)
from diagnosis.training.fitting.seeds import seed_at
from diagnosis.training.fitting.settings import paper_settings
from diagnosis.training.fitting.tasks import Classification, Segmentation, balanced


def a_sample(number, *, group="", label="normal"):
    return Sample(Path(f"{number}.png"), label, None, "train", group or str(number))


def draws(count=10, batch=4, epoch=0, share=None):
    return training_draws(
        [a_sample(number) for number in range(count)],
        batch=batch,
        seed=0,
        epoch=epoch,
        share=share or Share(),
        augment=True,
    )


def test_every_sample_comes_once_but_for_the_incomplete_last_batch():
    numbers = [number for draw in draws() for number in draw.numbers]
    assert len(numbers) == len(set(numbers)) == 8
    assert [len(draw.numbers) for draw in draws(count=3)] == [3]


def test_epochs_differ_and_repeat():
    assert draws(epoch=1) == draws(epoch=1)
    assert draws(epoch=1) != draws(epoch=2)


def exams(*sizes):
    """Samples of exams A, B, … with so many frames each."""
    return [
        a_sample(number, group=name)
        for name, size in zip("ABCDEFGH", sizes, strict=False)
        for number in range(size)
    ]


@given(st.lists(st.integers(1, 9), min_size=1, max_size=8), st.integers(1, 9))
def test_no_exam_gives_more_frames_than_is_said_and_none_is_left_out(sizes, per_exam):
    samples = exams(*sizes)
    order = list(reversed(range(len(samples))))
    chosen = first_of_each_exam(samples, order, per_exam)
    counts = Counter(samples[number].group for number in chosen)
    assert sorted(counts.values()) == sorted(min(size, per_exam) for size in sizes)
    assert chosen == [number for number in order if number in set(chosen)]


def test_each_epoch_draws_other_frames_of_a_long_exam():
    samples = exams(40, 2, 2, 2)

    def drawn(epoch):
        found = training_draws(
            samples,
            batch=2,
            seed=0,
            epoch=epoch,
            share=Share(),
            augment=False,
            per_exam=2,
        )
        return {number for draw in found for number in draw.numbers}

    assert len(drawn(0)) == len(drawn(1)) == 8
    assert drawn(0) != drawn(1)
    assert thinned(samples, 2) == thinned(samples, 2)
    assert len(thinned(samples, 2)) == 8


def test_processes_share_the_very_batches_of_one():
    whole = draws(count=12, batch=6)
    parts = [draws(count=12, batch=6, share=Share(rank, 3)) for rank in range(3)]
    for step, draw in enumerate(whole):
        together = {n for part in parts for n in part[step].numbers}
        assert together == set(draw.numbers)
    assert len({part[0].place for part in parts}) == 3


def test_measuring_takes_every_sample_once_over_all_processes():
    numbers = [
        number
        for rank in range(3)
        for draw in measuring_draws(10, batch=2, share=Share(rank, 3))
        for number in draw.numbers
    ]
    assert sorted(numbers) == list(range(10))


def test_places_have_seeds_of_their_own():
    seeds = {seed_at(s, e, t) for s in range(3) for e in range(20) for t in range(20)}
    assert len(seeds) == 1200
    assert all(0 <= seed < 2**63 for seed in seeds)


def test_the_papers_recipes():
    segmenter = paper_settings("A-PSPNet", ("a", "b"), size=473, segmentation=True)
    classifier = paper_settings("ResNet-W", ("a", "b"), size=224, segmentation=False)
    recipe = (segmenter.rate, segmenter.decay, segmenter.epochs, segmenter.batch)
    assert recipe == (0.005, 0.9, 200, 8)
    assert (classifier.epochs, classifier.batch, classifier.decay) == (50, 32, 0.9)


@pytest.mark.parametrize("change", [{"batch": 0}, {"patience": 0}])
def test_refuses_numbers_that_cannot_be_meant(change):
    settings = paper_settings("ResNet-W", ("a", "b"), size=224, segmentation=False)
    with pytest.raises(RunRefused, match="must be"):
        replace(settings, **change)


def test_balanced_classes_weigh_the_same_in_total():
    weights = balanced(["a", "a", "a", "b"], ("a", "b", "c"))
    torch.testing.assert_close(weights, torch.tensor([4 / 9, 4 / 3, 0]))


def test_the_score_of_a_classifier_is_the_weight_of_what_is_right():
    task = Classification(("a", "b"), 8)
    logits = torch.tensor([[2.0, 1], [0, 3], [5, 1]])
    tally = task.tally(logits, torch.tensor([0, 1, 1]), torch.tensor([1, 0.5, 0.5]))
    assert task.score(tally) == 0.75


def test_the_score_of_a_segmenter_is_the_mean_dice_of_what_occurs():
    task = Segmentation(("none", "kidney", "fluid"), 2)
    truth = torch.tensor([[[1, 1], [0, 0]]])
    answer = torch.tensor([[[1, 0], [0, 0]]])
    logits = torch.nn.functional.one_hot(answer, 3).permute(0, 3, 1, 2).float()
    tally = task.tally(logits, truth, torch.ones(1))
    assert task.score(tally) == pytest.approx(2 / 3)
    assert task.score(task.tally(logits * 0, truth * 0, torch.ones(1))) == 0
