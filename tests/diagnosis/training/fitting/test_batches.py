"""Which samples make a batch."""

from dataclasses import replace

import pytest
import torch

from diagnosis.training.errors import RunRefused
from diagnosis.training.fitting.batches import Share, measuring_draws, training_draws
from diagnosis.training.fitting.seeds import seed_at
from diagnosis.training.fitting.settings import paper_settings
from diagnosis.training.fitting.tasks import Classification, Segmentation, balanced


def draws(count=10, batch=4, epoch=0, share=None):
    return training_draws(
        count, batch=batch, seed=0, epoch=epoch, share=share or Share(), augment=True
    )


def test_every_sample_comes_once_but_for_the_incomplete_last_batch():
    numbers = [number for draw in draws() for number in draw.numbers]
    assert len(numbers) == len(set(numbers)) == 8
    assert [len(draw.numbers) for draw in draws(count=3)] == [3]


def test_epochs_differ_and_repeat():
    assert draws(epoch=1) == draws(epoch=1)
    assert draws(epoch=1) != draws(epoch=2)


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
