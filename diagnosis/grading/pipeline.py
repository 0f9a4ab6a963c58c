"""Frames in, reports out: segment, merge, crop, classify."""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import nn

from diagnosis.grading.backends.contract import Backend
from diagnosis.grading.backends.modules import CPU, Eager, device_of
from diagnosis.grading.backends.registry import make_backend
from diagnosis.grading.doubt import Doubt
from diagnosis.grading.errors import PixelsRejected
from diagnosis.grading.framing import Letterbox, Pixels, resize
from diagnosis.grading.machine import device_name
from diagnosis.grading.manifest import DEFAULT_WEIGHTS, Manifest, read_manifest
from diagnosis.grading.measurements import Measurements, Step, measure
from diagnosis.grading.memory import in_batches
from diagnosis.grading.merging import crop_window, merge
from diagnosis.grading.outlining import certainty_of_marks, labels
from diagnosis.grading.referral import (
    Refusal,
    look_at_doubt,
    look_at_mask,
    look_at_pixels,
)
from diagnosis.grading.report import GradeReport
from diagnosis.grading.scale import Grade
from diagnosis.grading.second_look import lay_over, look_again
from diagnosis.grading.tensors import to_images
from diagnosis.grading.weights import load_network

LEAST_SIDE = 64
STAGES = ("segmenting", "measuring", "merging", "classifying", "doubting")
USUAL_BATCH = {"cpu": 1, "cuda": 16}
"""Images at a time: on a CPU one fills the cores, and more only fill the memory."""

OnStage = Callable[[str], None]
Outline = tuple[Pixels, float]
Frame = tuple[Pixels, Step | None]


class Grader:
    """The pair of networks, warm, with everything that decides a grade.

    May be kept for the life of a process; grading changes nothing in it. The
    number of threads is torch's own setting. The same pixels give the same
    report, apart from the times, on the same machine with the same threads.

    Args:
        manifest: what the networks were trained for.
        sha256: of the manifest.
        segmenter: (B, 3, H, W) → (B, 3, H, W) logits, in eval mode.
        classifier: (B, 3, H, W) → (B, 3) logits, in eval mode.
        backend: runs them; by default as they are, where they are.
        fallback: makes another grader for when the memory of this one's device
            does not hold a single frame.
    """

    def __init__(
        self,
        *,
        manifest: Manifest,
        sha256: str,
        segmenter: nn.Module,
        classifier: nn.Module,
        backend: Backend | None = None,
        fallback: "Callable[[], Grader] | None" = None,
    ) -> None:
        self.manifest = manifest
        self.sha256 = sha256
        self.backend = backend or Eager(device_of(segmenter))
        self.device = device_name(self.backend.device)
        self._fallback = fallback
        self._segmenter = self.backend.prepare(segmenter, manifest.segmenter)
        self._module = classifier
        self._classifier = self.backend.prepare(classifier, manifest.classifier)

    @classmethod
    def load(
        cls,
        folder: Path = DEFAULT_WEIGHTS,
        *,
        backend: str = "eager",
        device: torch.device = CPU,
        cache: Path | None = None,
    ) -> "Grader":
        """Read a folder of weights.

        Args:
            folder: the weights with their manifest.
            backend: by name.
            device: where the networks run. From an accelerator whose memory is
                full, a frame falls back to the CPU.
            cache: a folder in which the backend may keep what it makes.

        Raises:
            WeightsRejected: something is missing, changed, or of another network.
            BackendUnavailable: this machine cannot run them so.
        """
        manifest, sha256 = read_manifest(folder)
        return cls(
            manifest=manifest,
            sha256=sha256,
            segmenter=load_network(folder, manifest.segmenter),
            classifier=load_network(folder, manifest.classifier),
            backend=make_backend(backend, device=device, cache=cache),
            fallback=None if device == CPU else partial(cls.load, folder),
        )

    def grade(
        self,
        pixels: Pixels,
        *,
        millimetres_per_pixel: Step | None = None,
        on_stage: OnStage | None = None,
    ) -> GradeReport:
        """Grade one frame, or say why a person must look instead.

        Args:
            pixels: (H, W) grey or (H, W, 3) RGB, uint8; at least 64 pixels a
                side. Colour is read as its luma.
            millimetres_per_pixel: (x, y) as the image's own file gives it, if it does.
            on_stage: is told each of ``STAGES`` as it begins; without a kidney only
                the first comes.

        Raises:
            PixelsRejected: the array is no such frame.
            MemoryExhausted: the machine has not enough; the grader stays usable.
        """
        frames = [(pixels, millimetres_per_pixel)]
        (report,) = self._in_batches(frames, 1, on_stage)
        return report

    def grade_many(
        self, frames: Iterable[Pixels], *, batch: int | None = None
    ) -> Iterator[GradeReport]:
        """Grade frames in micro-batches, each as if it were alone.

        Args:
            frames: as for ``grade``, of any sizes; taken as they are needed.
            batch: the most at a time; by default what suits the device. Where
                memory runs out, fewer are taken until the frames end.

        Returns:
            The reports, in order, as they come; seconds are each frame's share.

        Raises:
            PixelsRejected, MemoryExhausted: as for ``grade``.
        """
        usual = USUAL_BATCH[self.backend.device.type]
        return self._in_batches(((pixels, None) for pixels in frames), batch or usual)

    @torch.inference_mode()
    def grade_together(
        self, frames: Sequence[Frame], *, on_stage: OnStage | None = None
    ) -> list[GradeReport]:
        """Grade a few frames in one pass of each network.

        Args:
            frames: pixels, each with its millimetres per pixel or None.
            on_stage: as for ``grade``.

        Raises:
            PixelsRejected: one of the arrays is no frame.
            RuntimeError, MemoryError: the memory does not hold so many.
        """
        clock = _Clock(on_stage)
        cases = [_Case(pixels, to_grey(pixels), step) for pixels, step in frames]
        with clock.stage("segmenting", cases):
            outlines = self._outline([case.grey for case in cases])
        for case, (mask, confidence) in zip(cases, outlines, strict=True):
            case.mask = mask
            case.refusal = look_at_pixels(
                case.pixels, case.grey, self.manifest
            ) or look_at_mask(mask, confidence, self.manifest)
        if kidneys := [case for case in cases if case.refusal is None]:
            self._grade_kidneys(kidneys, clock)
        return [self._report(case) for case in cases]

    @torch.inference_mode()
    def segment(self, frame: Pixels) -> Outline:
        """Outline kidney and fluid in a grey frame (H, W).

        Returns:
            The mask at the same size, with the mean probability of what it marks
            (0 where it marks nothing).
        """
        (outline,) = self._outline([frame])
        return outline

    def classifier_input(self, frame: Pixels, mask: Pixels) -> Pixels:
        """The merged picture, cropped around the kidney: (size, size, 3) uint8.

        Frame and mask have the manifest's size.
        """
        manifest = self.manifest
        window = crop_window(mask, manifest.crop)
        merged = merge(
            frame[window], mask[window], palette=manifest.palette, alpha=manifest.alpha
        )
        side = manifest.classifier.size
        return resize(merged, (side, side))

    def _in_batches(
        self, frames: Iterable[Frame], batch: int, on_stage: OnStage | None = None
    ) -> Iterator[GradeReport]:
        fallback = self._fallback
        return in_batches(
            frames,
            partial(self.grade_together, on_stage=on_stage),
            batch=batch,
            fallback=fallback
            and (lambda: partial(fallback().grade_together, on_stage=on_stage)),
        )

    def _outline(self, frames: Sequence[Pixels]) -> list[Outline]:
        """``segment`` for frames of any sizes."""
        side = self.manifest.segmenter.size
        boxes = [Letterbox.of(frame.shape, (side, side)) for frame in frames]
        squares = [box.place(f) for box, f in zip(boxes, frames, strict=True)]
        batch = to_images(np.stack(squares), self.backend.device)
        outlines = []
        for row, box, frame in zip(self._segmenter(batch), boxes, frames, strict=True):
            logits = row[:, *box.window]
            outlines.append((labels(logits, frame.shape), certainty_of_marks(logits)))
        return outlines

    def _grade_kidneys(self, cases: "Sequence[_Case]", clock: "_Clock") -> None:
        """Everything after the segmenter, into the cases."""
        with clock.stage("measuring", cases):
            for case in cases:
                if case.mask.any():
                    case.measurements = measure(case.mask, case.step)
        with clock.stage("merging", cases):
            for case in cases:
                box = Letterbox.of(case.grey.shape, self.manifest.frame)
                framed = box.place(case.mask, nearest=True)
                case.box, case.window = box, crop_window(framed, self.manifest.crop)
                case.picture = self.classifier_input(box.place(case.grey), framed)
        with clock.stage("classifying", cases):
            pictures = np.stack([case.picture for case in cases])
            for case, row in zip(cases, self._classify(pictures), strict=True):
                case.probabilities = row
        with clock.stage("doubting", cases):
            for case in cases:
                self._look_again(case)

    def _classify(self, pictures: Pixels) -> list[dict[Grade, float]]:
        logits = self._classifier(to_images(pictures, self.backend.device))
        rows = logits.double().softmax(dim=1).tolist()
        return [dict(zip(Grade, row, strict=True)) for row in rows]

    def _look_again(self, case: "_Case") -> None:
        """How the answer holds, and the places of the picture that gave it.

        By the module itself, whatever the backend: it needs a gradient.
        """
        looks, places = look_again(self._module, case.picture)
        looks[0] = list(case.probabilities.values())
        case.doubt = Doubt.between(
            looks,
            least_agreement=self.manifest.least_agreement,
            least_certainty=self.manifest.least_certainty,
        )
        case.attention = lay_over(
            places, window=case.window, box=case.box, size=case.grey.shape
        )
        case.refusal = look_at_doubt(case.doubt)

    def _report(self, case: "_Case") -> GradeReport:
        """With a grade, or with the sentence that says why there is none."""
        referral, reason = case.refusal or (None, None)
        shares = None if case.refusal else case.probabilities
        return GradeReport(
            grade=max(shares, key=shares.__getitem__) if shares else None,
            reason=reason,
            probabilities=shares,
            mask=case.mask,
            model_version=self.manifest.version,
            weights_sha256=self.sha256,
            seconds=case.seconds,
            measurements=case.measurements,
            doubt=case.doubt,
            referral=referral,
            attention=None if case.refusal else case.attention,
            backend=self.backend.name,
            device=self.device,
        )


@dataclass(eq=False)
class _Case:
    """What becomes known of a frame, stage by stage."""

    pixels: Pixels
    grey: Pixels
    step: Step | None
    seconds: dict[str, float] = field(default_factory=dict)
    refusal: Refusal | None = None
    measurements: Measurements | None = None
    doubt: Doubt | None = None
    attention: Pixels | None = None
    mask: Pixels = field(init=False)
    box: Letterbox = field(init=False)
    window: tuple[slice, slice] = field(init=False)
    picture: Pixels = field(init=False)
    probabilities: dict[Grade, float] = field(init=False)


class _Clock:
    """Tells of stages, and gives each case its share of their time."""

    def __init__(self, on_stage: OnStage | None) -> None:
        self._on_stage = on_stage

    @contextmanager
    def stage(self, name: str, cases: Sequence[_Case]) -> Iterator[None]:
        if self._on_stage:
            self._on_stage(name)
        begin = time.perf_counter()
        yield
        for case in cases:
            case.seconds[name] = (time.perf_counter() - begin) / len(cases)


def to_grey(pixels: Pixels) -> Pixels:
    """(H, W) or (H, W, 3) uint8 → (H, W) uint8 luma (ITU-R BT.601).

    Raises:
        PixelsRejected: another type, other axes, or too small.
    """
    check_pixels(pixels)
    if pixels.ndim == 3:
        return np.asarray(Image.fromarray(pixels).convert("L"))
    return pixels


def check_pixels(pixels: Pixels) -> None:
    """Refuse what is no frame that can be graded.

    Raises:
        PixelsRejected: another type, other axes, or too small.
    """
    colour = pixels.ndim == 3 and pixels.shape[2] == 3
    if pixels.dtype != np.uint8 or not (pixels.ndim == 2 or colour):
        raise PixelsRejected(
            "A frame is (H, W) grey or (H, W, 3) RGB bytes; this is"
            f" {pixels.dtype} {pixels.shape}."
        )
    if min(pixels.shape[:2]) < LEAST_SIDE:
        raise PixelsRejected(
            f"A frame of {pixels.shape[1]} × {pixels.shape[0]} pixels is too small to"
            f" grade: at least {LEAST_SIDE} a side would do."
        )
