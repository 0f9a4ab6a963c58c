"""Frames graded together are graded as if alone, with little memory too."""

import subprocess
import sys
import weakref
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from diagnosis.grading.errors import GradingError, MemoryExhausted, PixelsRejected
from diagnosis.grading.memory import in_batches, out_of_memory
from diagnosis.grading.pipeline import STAGES, Grader
from tests.diagnosis.grading.pairs import (
    ByBrightness,
    ByMean,
    simple_grader,
)


def frames(count: int, *sizes: tuple[int, int]) -> list[np.ndarray]:
    rng = np.random.default_rng(7)
    sizes = sizes or ((96, 128), (70, 200), (300, 90))
    return [
        rng.integers(0, 256, sizes[n % len(sizes)], dtype=np.uint8)
        for n in range(count)
    ]


class Crowded(nn.Module):
    """Fails, as torch does, on more images than fit; keeps how many it was given."""

    def __init__(self, network: nn.Module, room: int) -> None:
        super().__init__()
        self.network, self.room = network, room
        self.given: list[int] = []
        if isinstance(network, ByMean):
            self.head = network.head

    def forward(self, images: Tensor) -> Tensor:
        self.given.append(len(images))
        if len(images) > self.room:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB.")
        answer: Tensor = self.network(images)
        return answer


@pytest.fixture(scope="module")
def real(folder) -> Grader:
    return Grader.load(folder)


@pytest.mark.parametrize("batch", [1, 3, 8])
def test_each_row_is_the_single_images(real, batch):
    given = frames(5)
    together = list(real.grade_many(given, batch=batch))
    for pixels, report in zip(given, together, strict=True):
        alone = real.grade(pixels)
        assert report.mask.shape == pixels.shape
        assert np.mean(report.mask != alone.mask) < 1e-3  # where two classes tie
        assert report.grade is alone.grade
        for grade, share in (alone.probabilities or {}).items():
            assert report.probabilities[grade] == pytest.approx(share, abs=1e-4)


def test_a_frame_without_a_kidney_has_gone_through_one_stage():
    dark = np.zeros((96, 128), np.uint8)
    grader = simple_grader()
    grader.manifest = replace(grader.manifest, least_area=0.01)
    bright = np.full((96, 128), 200, np.uint8)
    none, some = grader.grade_many([dark, bright], batch=2)
    assert none.grade is None
    assert set(none.seconds) == {"segmenting"}
    assert tuple(some.seconds) == STAGES


def test_frames_are_taken_as_they_are_needed():
    taken = []

    def endless():
        for number in range(10**9):
            taken.append(number)
            yield frames(1)[0]

    reports = simple_grader().grade_many(endless(), batch=2)
    next(reports)
    assert len(taken) == 2


def test_no_frames_give_no_reports():
    assert list(simple_grader().grade_many([])) == []


def test_a_bad_frame_is_said_when_it_is_reached():
    reports = simple_grader().grade_many([*frames(2), np.zeros((9, 9), np.uint8)])
    assert next(reports).mask.shape == (96, 128)
    assert next(reports).mask.shape == (70, 200)
    with pytest.raises(PixelsRejected, match="too small"):
        next(reports)


def test_halves_the_batch_until_it_fits_and_starts_again_with_the_usual_one():
    segmenter = Crowded(ByBrightness(), room=2)
    grader = simple_grader(segmenter=segmenter)
    given = frames(7)
    reports = list(grader.grade_many(given, batch=6))
    assert segmenter.given == [6, 3, 1, 1, 1, 1, 1, 1, 1]
    plain = list(simple_grader().grade_many(given))
    for ours, theirs in zip(reports, plain, strict=True):
        assert ours.probabilities == theirs.probabilities
        np.testing.assert_array_equal(ours.mask, theirs.mask)
    segmenter.given.clear()
    list(grader.grade_many(given[:2], batch=2))
    assert segmenter.given == [2]


def test_memory_may_end_in_the_second_network_too():
    classifier = Crowded(ByMean(), room=4)
    reports = list(simple_grader(classifier=classifier).grade_many(frames(8), batch=8))
    assert len(reports) == 8
    assert classifier.given == [8, *[4] * 10]  # 4 frames, then 4 looks at each; twice


def test_falls_back_to_another_place_then_to_a_sentence():
    loaded = []

    def fallback() -> Grader:
        loaded.append(True)
        return simple_grader()

    full = Crowded(ByBrightness(), room=0)
    grader = simple_grader(segmenter=full, fallback=fallback)
    given = frames(3)
    reports = list(grader.grade_many(given, batch=2))
    assert full.given == [2, 1]  # then the call stays where there is room
    assert loaded == [True]
    expected = [report.probabilities for report in simple_grader().grade_many(given)]
    assert [report.probabilities for report in reports] == expected
    with pytest.raises(MemoryExhausted, match="does not suffice") as caught:
        simple_grader(segmenter=full).grade(given[0])
    assert isinstance(caught.value, GradingError)
    full.room = 1
    assert simple_grader(segmenter=full).grade(given[0]).grade


def test_another_fault_is_not_taken_for_a_lack_of_memory():
    class Broken(nn.Module):
        def forward(self, images: Tensor) -> Tensor:
            raise RuntimeError("mat1 and mat2 shapes cannot be multiplied")

    with pytest.raises(RuntimeError, match="mat1"):
        simple_grader(segmenter=Broken()).grade(frames(1)[0])


def test_the_tensors_of_a_failed_try_are_free_before_the_next():
    held: list[weakref.ref[Tensor]] = []

    def work(items: list[int]) -> list[int]:
        tensor = torch.zeros(1)
        alive = [ref() is not None for ref in held]
        held.append(weakref.ref(tensor))
        if len(items) > 1:
            raise MemoryError
        assert not any(alive)
        return items

    assert list(in_batches([1, 2], work, batch=2)) == [1, 2]


@given(
    count=st.integers(0, 30),
    batch=st.integers(1, 12),
    room=st.integers(1, 12),
)
def test_every_item_is_answered_once_in_order(count, batch, room):
    def work(items: list[int]) -> list[int]:
        if len(items) > room:
            raise MemoryError
        return [-item for item in items]

    answers = list(in_batches(range(count), work, batch=batch))
    assert answers == [-item for item in range(count)]


@pytest.mark.parametrize(
    ("error", "is_one"),
    [
        (MemoryError(), True),
        (torch.OutOfMemoryError("CUDA out of memory"), True),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory: 8 bytes"), True),
        (RuntimeError("[ONNXRuntimeError] : 6 : std::bad_alloc"), True),
        (RuntimeError("could not create a primitive"), True),
        (RuntimeError("size mismatch"), False),
        (ValueError("a"), False),
    ],
)
def test_knows_a_lack_of_memory_when_it_sees_one(error, is_one):
    assert out_of_memory(error) is is_one


STARVED = """
import resource, sys
from pathlib import Path
import numpy as np, torch
from diagnosis.grading.pipeline import STAGES, Grader

torch.set_num_threads(1)
grader = Grader.load(Path(sys.argv[1]), backend=sys.argv[2], cache=Path(sys.argv[3]))
frame = np.random.default_rng(0).integers(0, 256, (96, 128), dtype=np.uint8)
usual = grader.grade(frame)
pages = int(Path("/proc/self/statm").read_text().split()[0])
room = pages * resource.getpagesize() + int(sys.argv[4])
resource.setrlimit(resource.RLIMIT_AS, (room, resource.RLIM_INFINITY))
tried = []
together = grader.grade_together
def counted(frames, **more):
    tried.append(len(frames))
    return together(frames, **more)
grader.grade_together = counted
reports = list(grader.grade_many([frame] * 256, batch=256))
assert tried[0] == 256 and tried[1] == 128, tried
assert max(tried[2:]) < 256
assert all(r.grade is usual.grade for r in reports) and len(reports) == 256
print("survived", tried[:6])
"""


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["eager", "onnx"])
def test_survives_a_real_lack_of_memory(folder: Path, exported: Path, backend: str):
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            STARVED,
            str(folder),
            backend,
            str(exported),
            str(150 << 20),
        ],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert "survived" in done.stdout, done.stderr[-2000:]
