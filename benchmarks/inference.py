"""What the pipeline costs beside the bare passes of its two networks."""

import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnxruntime
import torch

from benchmarks.result import Result
from diagnosis.grading.backends.onnx import IMAGES, OnnxRuntime
from diagnosis.grading.manifest import Manifest, Part
from diagnosis.grading.pipeline import Grader
from diagnosis.grading.scale import Grade
from diagnosis.networks.catalogue import CATALOGUE, Width
from diagnosis.training.phantoms import make_phantom

ROUNDS, WARM, THREADS = 30, 3, 2
SEGMENTER = Part("", "A-PSPNet", Width.FULL, 473, sha256="a" * 64)
CLASSIFIER = Part("", "ResNet-W", Width.FULL, 224, sha256="b" * 64)


def measure() -> list[Result]:
    """Grade a frame, then run the same two graphs alone, turn by turn."""
    torch.set_num_threads(THREADS)
    with tempfile.TemporaryDirectory() as folder:
        grader = _grader(Path(folder))
        bare = [_bare(Path(folder), part) for part in (SEGMENTER, CLASSIFIER)]
    frame = make_phantom(Grade.SFU_3, 0).pixels

    def whole() -> float:
        begin = time.perf_counter()
        report = grader.grade(frame)
        assert report.grade  # noqa: S101 (all stages were run)
        return time.perf_counter() - begin - report.seconds["doubting"]

    def passes() -> None:
        for run in bare:
            run()

    turns = [(whole(), _seconds(passes)) for _ in range(WARM + ROUNDS)][WARM:]
    ours, theirs = (statistics.median(column) for column in zip(*turns, strict=True))
    note = (
        f"{ours * 1e3:.0f} ms ÷ {theirs * 1e3:.0f} ms: a 1024 × 768 frame, without the"
        " second look of four more passes, ÷ A-PSPNet at 473² and ResNet-W at 224²,"
        f" full width, fp32, {THREADS} threads, median of {ROUNDS}"
    )
    return [Result("pipeline ÷ bare ONNX Runtime", ours / theirs, "×", 1.15, note)]


def _grader(cache: Path) -> Grader:
    """The pipeline around random weights, which finds a kidney in everything."""
    manifest = Manifest(
        "random",
        SEGMENTER,
        CLASSIFIER,
        least_area=0,
        least_confidence=0,
        least_agreement=0,
        least_certainty=0,
    )
    return Grader(
        manifest=manifest,
        sha256="0" * 64,
        segmenter=_network(SEGMENTER),
        classifier=_network(CLASSIFIER),
        backend=OnnxRuntime(cache),
    )


def _network(part: Part) -> torch.nn.Module:
    torch.manual_seed(0)
    network = CATALOGUE[part.network].build(Width(part.width))
    return network.requires_grad_(requires_grad=False).eval()


def _bare(cache: Path, part: Part) -> Callable[[], object]:
    """A pass of the graph that the pipeline runs, by ONNX Runtime's own defaults."""
    (file,) = cache.glob(f"{part.sha256[:32]}*.onnx")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = THREADS
    session = onnxruntime.InferenceSession(file, options)
    shape = (1, 3, part.size, part.size)
    images = np.random.default_rng(0).standard_normal(shape, dtype=np.float32)
    return lambda: session.run(None, {IMAGES: images})


def _seconds(call: Callable[[], object]) -> float:
    begin = time.perf_counter()
    call()
    return time.perf_counter() - begin
