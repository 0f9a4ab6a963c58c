"""Training learns, stops in time, and never loses the last good state."""

import os
from dataclasses import replace

import pytest
import torch

from diagnosis.training.errors import RunRefused, TrainingStopped
from diagnosis.training.fitting import checkpoint, loop
from diagnosis.training.fitting.checkpoint import CHECKPOINT, Epoch, Progress
from diagnosis.training.fitting.loop import CURVES, fit
from tests.diagnosis.training.data_set.drawing import draw_classes, draw_masked
from tests.diagnosis.training.fitting.runs import small_run

pytestmark = pytest.mark.slow


@pytest.fixture
def classes(tmp_path):
    return draw_classes(tmp_path / "data", per_class=6)


def same(first, second):
    """Whether two networks agree in every bit."""
    pairs = zip(first.state_dict().values(), second.state_dict().values(), strict=True)
    return all(torch.equal(a, b) for a, b in pairs)


def test_learns_what_is_easy_to_tell_apart(classes, tmp_path):
    run = small_run(classes, tmp_path / "out", size=32, epochs=12, rate=0.003)
    _, progress = fit(run)
    assert progress.best_score == 1
    losses = [epoch.loss for epoch in progress.epochs]
    assert min(losses) < losses[0] / 2
    lines = (run.folder / CURVES).read_text().splitlines()
    assert lines[0] == "epoch,rate,loss,val_loss,score,seconds"
    assert len(lines) == 13
    assert progress.epochs[1].rate == pytest.approx(0.003 * 0.9)


@pytest.mark.parametrize("network", ["ResNet-34", "A-PSPNet"])
def test_a_run_in_pieces_reaches_the_same_bits_as_a_whole_one(tmp_path, network):
    draw_classes(tmp_path / "ResNet-34")
    draw_masked(tmp_path / "A-PSPNet", count=6)
    whole, pieces = (
        small_run(tmp_path / network, tmp_path / name, network=network, epochs=3)
        for name in ("whole", "pieces")
    )
    expected, _ = fit(whole)
    fit(replace(pieces, settings=replace(pieces.settings, epochs=1)))
    reached, progress = fit(pieces)
    assert len(progress.epochs) == 3
    assert same(expected, reached)


def test_a_kill_between_the_two_files_of_an_epoch_only_repeats_it(
    classes, tmp_path, monkeypatch
):
    whole = small_run(classes, tmp_path / "whole", size=32)
    pieces = small_run(classes, tmp_path / "pieces", size=32)
    expected, _ = fit(whole)
    save = checkpoint.save_checkpoint

    def killed(path, **options):
        if path.name == CHECKPOINT and len(options["progress"].epochs) == 2:
            raise KeyboardInterrupt
        save(path, **options)

    monkeypatch.setattr(loop, "save_checkpoint", killed)
    with pytest.raises(KeyboardInterrupt):
        fit(pieces)
    monkeypatch.undo()
    reached, _ = fit(pieces)
    assert same(expected, reached)


def test_worker_processes_change_nothing(classes, tmp_path):
    alone, _ = fit(small_run(classes, tmp_path / "alone", size=32))
    helped, _ = fit(
        replace(small_run(classes, tmp_path / "helped", size=32), workers=2)
    )
    assert same(alone, helped)


def test_a_finished_run_does_nothing_more(classes, tmp_path):
    run = small_run(classes, tmp_path / "out", size=32)
    first, progress = fit(run)
    written = (run.folder / CHECKPOINT).stat().st_mtime_ns
    again, same_progress = fit(run)
    assert (run.folder / CHECKPOINT).stat().st_mtime_ns == written
    assert same(first, again)
    assert progress == same_progress


def test_stops_early_without_a_better_score(classes, tmp_path):
    run = small_run(classes, tmp_path / "out", size=32, epochs=30, patience=2)
    _, progress = fit(run)
    assert len(progress.epochs) == progress.best + 2 < 30


def test_the_first_of_equal_epochs_is_kept():
    progress = Progress()
    for number, score in enumerate([0.5, 0.7, 0.7, 0.6], start=1):
        progress = progress.after(Epoch(number, 0.1, 1, 1, score, 1))
    assert progress.best == 2
    assert progress.exhausted(2)
    assert not progress.exhausted(3)
    assert not progress.exhausted(None)


def test_refuses_to_go_on_with_another_recipe_or_other_data(classes, tmp_path):
    run = small_run(classes, tmp_path / "out", size=32, epochs=1)
    fit(run)
    faster = replace(run, settings=replace(run.settings, rate=0.1))
    with pytest.raises(RunRefused, match=r"rate 0\.001 there, 0\.1 here"):
        fit(faster)
    with pytest.raises(RunRefused, match="another data set"):
        fit(replace(run, data_sha256="0" * 64))


def test_refuses_a_damaged_checkpoint(classes, tmp_path):
    run = small_run(classes, tmp_path / "out", size=32, epochs=1)
    run.folder.mkdir()
    (run.folder / CHECKPOINT).write_bytes(b"no checkpoint")
    with pytest.raises(RunRefused, match="is no checkpoint of a training"):
        fit(run)


def test_a_loss_that_is_no_number_keeps_the_state_before(classes, tmp_path):
    run = small_run(classes, tmp_path / "out", size=32, epochs=1)
    fit(run)
    kept = (run.folder / CHECKPOINT).read_bytes()
    sick = replace(
        run,
        settings=replace(run.settings, epochs=3),
        task=replace(run.task, class_weights=torch.tensor([float("inf"), 1])),
    )
    with pytest.raises(TrainingStopped, match="in epoch 2; the state after epoch 1"):
        fit(sick)
    assert (run.folder / CHECKPOINT).read_bytes() == kept


def test_a_rate_far_too_high_ends_with_a_sentence(classes, tmp_path):
    run = small_run(classes, tmp_path / "out", size=32, rate=1e30)
    with pytest.raises(TrainingStopped, match=r"lower --rate|Lower the rate"):
        fit(run)
    assert not (run.folder / CHECKPOINT).exists()


def test_a_full_disk_keeps_the_state_before(classes, tmp_path):
    run = small_run(classes, tmp_path / "out", size=32, epochs=1)
    fit(run)
    kept = (run.folder / CHECKPOINT).read_bytes()
    part = run.folder / f".{CHECKPOINT}.part"
    part.symlink_to("/dev/full")
    more = replace(run, settings=replace(run.settings, epochs=2))
    with pytest.raises(TrainingStopped, match=r"No space left on device.*is kept in"):
        fit(more)
    assert (run.folder / CHECKPOINT).read_bytes() == kept
    assert not os.path.lexists(part)
    fit(more)


def test_refuses_a_batch_of_one(classes, tmp_path):
    with pytest.raises(RunRefused, match="less than 2 samples"):
        fit(small_run(classes, tmp_path / "out", size=32, batch=1))


def test_auxiliary_heads_learn_beside_the_head(classes, tmp_path):
    run = small_run(
        classes, tmp_path / "out", network="GoogLeNet", size=64, epochs=1, rate=0.003
    )
    torch.manual_seed(run.settings.seed)
    before = loop.new_network(run.settings).state_dict()
    network, _ = fit(run)
    after = network.state_dict()
    heads = [name for name in after if name.startswith("auxiliary.")]
    weights = [name for name in heads if name.endswith("weight")]
    assert weights
    assert not any(torch.equal(after[name], before[name]) for name in weights)


def test_capsules_learn_by_their_lengths(classes, tmp_path):
    run = small_run(
        classes, tmp_path / "out", network="IV3*", size=299, epochs=1, batch=4
    )
    targets = torch.tensor([0, 1])
    far = torch.tensor([[0.95, 0.05], [0.05, 0.95]])
    assert run.task.loss(far, targets) == 0
    _, progress = fit(run)
    # Half of the margins' squares at most: 0.9² + 0.5 · 0.9².
    assert 0 <= progress.epochs[0].loss <= 0.81 * 1.5
