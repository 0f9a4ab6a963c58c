"""The pieces of the training recipes."""

import numpy as np
import pytest
import torch

from diagnosis.training.augmentation import mirror, move, relight
from diagnosis.training.balancing import balancing
from diagnosis.training.segmentation import partial_loss, segmentation_loss


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def test_segmentation_loss_is_equation_7_with_the_mean_cross_entropy():
    logits = torch.randn(2, 3, 8, 8, generator=generator())
    labels = torch.randint(0, 3, (2, 1, 8, 8), generator=generator(1))
    shares = logits.softmax(dim=1)
    truth = torch.nn.functional.one_hot(labels[:, 0], 3).permute(0, 3, 1, 2).float()
    axes = (0, 2, 3)
    dice = (2 * (shares * truth).sum(axes) + 1e-5) / (
        shares.square().sum(axes) + truth.square().sum(axes) + 1e-5
    )
    entropy = -(truth * shares.log()).sum(dim=1).mean()
    expected = entropy + 1 - dice.mean()
    torch.testing.assert_close(segmentation_loss()(logits, labels), expected)


def test_segmentation_loss_of_the_truth_itself_is_nothing():
    labels = torch.arange(64).reshape(1, 1, 8, 8) % 3
    sure = torch.nn.functional.one_hot(labels[:, 0], 3).permute(0, 3, 1, 2) * 100.0
    assert segmentation_loss()(sure, labels).item() == pytest.approx(0, abs=1e-4)


def drawn_labels(count=4):
    return torch.randint(0, 3, (count, 8, 8), generator=generator(1))


def test_where_all_kidneys_are_known_the_partial_loss_is_the_whole_one():
    logits, labels = torch.randn(4, 3, 8, 8, generator=generator()), drawn_labels()
    whole = segmentation_loss()(logits, labels.unsqueeze(1))
    known = torch.ones(4, dtype=torch.bool)
    torch.testing.assert_close(partial_loss(logits, labels, known), whole)


def test_where_no_kidney_is_known_background_and_kidney_may_be_exchanged():
    logits, labels = torch.randn(4, 3, 8, 8, generator=generator()), drawn_labels()
    unknown = torch.zeros(4, dtype=torch.bool)
    loss = partial_loss(logits, labels, unknown)
    exchanged = logits[:, [1, 0, 2]]
    torch.testing.assert_close(partial_loss(exchanged, labels, unknown), loss)
    moved = torch.where(labels == 2, labels, 1 - labels)
    torch.testing.assert_close(partial_loss(logits, moved, unknown), loss)
    rest = logits.softmax(dim=1)[:, :2].sum(dim=1)
    two = torch.stack((rest, 1 - rest), dim=1).log()
    fluid = (labels == 2).long().unsqueeze(1)
    torch.testing.assert_close(segmentation_loss()(two, fluid), loss)


def test_a_frame_without_a_known_kidney_pulls_at_fluid_alone():
    logits = torch.zeros(2, 3, 8, 8, requires_grad=True)
    labels, outlined = drawn_labels(2), torch.tensor([True, False])
    partial_loss(logits, labels, outlined).backward()
    assert logits.grad is not None
    background, kidney, _ = logits.grad[1]
    torch.testing.assert_close(background, kidney)
    assert not torch.allclose(logits.grad[0, 0], logits.grad[0, 1])


def test_balancing_gives_every_grade_the_same_total():
    grades = np.eye(3, dtype=np.float32)[[0] * 6 + [1] * 3 + [2]]
    weights = balancing(grades.sum(axis=0))
    totals = weights * torch.tensor([6.0, 3.0, 1.0])
    torch.testing.assert_close(totals, torch.full((3,), 10 / 3))
    assert balancing(grades[6:9].sum(axis=0))[0] == 0


def test_moving_takes_the_mask_along():
    masks = torch.zeros(8, 64, 64, dtype=torch.uint8)
    masks[:, 20:44, 16:40] = 2
    images = (masks == 2).float().unsqueeze(1)
    moved, labels = move(images, masks, size=64, zoom=(0.7, 1.2), generator=generator())
    assert moved.shape == (8, 1, 64, 64)
    assert labels.dtype == torch.int64
    agree = (moved[:, 0] > 0.5) == (labels == 2)
    assert agree.float().mean() > 0.97
    assert not torch.equal(labels[0], labels[1])


def test_moving_makes_the_size_that_is_asked_for():
    moved, labels = move(
        torch.zeros(2, 1, 50, 50),
        torch.zeros(2, 50, 50, dtype=torch.uint8),
        size=33,
        zoom=(0.5, 1.0),
        generator=generator(),
    )
    assert moved.shape[2:] == labels.shape[1:] == (33, 33)


def test_mirroring_keeps_or_flips_each_image():
    images = torch.randn(16, 3, 4, 5, generator=generator())
    mirrored = mirror(images, generator(1))
    same = [torch.equal(a, b) for a, b in zip(images, mirrored, strict=True)]
    flipped = [
        torch.equal(a.flip(-1), b) for a, b in zip(images, mirrored, strict=True)
    ]
    assert all(a != b for a, b in zip(same, flipped, strict=True))
    assert any(same)
    assert any(flipped)


def test_relighting_keeps_the_order_of_greys():
    images = torch.linspace(-1, 1, 9).reshape(1, 1, 3, 3).repeat(4, 1, 1, 1)
    lit = relight(images, generator()).flatten(1)
    assert (lit.diff(dim=1) > 0).all()
    assert len(np.unique(lit[:, 4].numpy())) == 4
