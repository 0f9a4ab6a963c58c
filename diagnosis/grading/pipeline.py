"""One frame in, one report out: segment, merge, crop, classify."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 (the field's own name for it)

from diagnosis.grading.doubt import Doubt
from diagnosis.grading.errors import PixelsRejected
from diagnosis.grading.framing import Letterbox, Pixels, resize
from diagnosis.grading.manifest import DEFAULT_WEIGHTS, Manifest, read_manifest
from diagnosis.grading.measurements import Step, measure
from diagnosis.grading.merging import crop_window, merge
from diagnosis.grading.referral import (
    Refusal,
    look_at_doubt,
    look_at_mask,
    look_at_pixels,
)
from diagnosis.grading.report import GradeReport
from diagnosis.grading.scale import Grade
from diagnosis.grading.second_look import lay_over, look_again
from diagnosis.grading.tensors import to_batch
from diagnosis.grading.weights import load_network

LEAST_SIDE = 64
STAGES = ("segmenting", "measuring", "merging", "classifying", "doubting")
OnStage = Callable[[str], None]


class Grader:
    """The pair of networks, warm, with everything that decides a grade.

    May be kept for the life of a process; ``grade`` changes nothing in it. The
    number of threads is torch's own setting. The same pixels give the same
    report, apart from the times, on the same machine with the same threads.
    """

    def __init__(
        self,
        *,
        manifest: Manifest,
        sha256: str,
        segmenter: nn.Module,
        classifier: nn.Module,
    ) -> None:
        self.manifest = manifest
        self.sha256 = sha256
        self._segmenter = segmenter
        self._classifier = classifier

    @classmethod
    def load(cls, folder: Path = DEFAULT_WEIGHTS) -> "Grader":
        """Read a folder of weights.

        Raises:
            WeightsRejected: something is missing, changed, or of another network.
        """
        manifest, sha256 = read_manifest(folder)
        return cls(
            manifest=manifest,
            sha256=sha256,
            segmenter=load_network(folder, manifest.segmenter),
            classifier=load_network(folder, manifest.classifier),
        )

    @torch.inference_mode()
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
        """
        clock = _Clock(on_stage)
        grey = to_grey(pixels)
        with clock.stage("segmenting"):
            mask, confidence = self.segment(grey)
        refusal = look_at_pixels(pixels, grey, self.manifest) or look_at_mask(
            mask, confidence, self.manifest
        )
        if refusal:
            return self._report(mask, clock, refusal=refusal)
        with clock.stage("measuring"):
            measurements = measure(mask, millimetres_per_pixel) if mask.any() else None
        with clock.stage("merging"):
            box = Letterbox.of(grey.shape, self.manifest.frame)
            framed = box.place(mask, nearest=True)
            picture = self.classifier_input(box.place(grey), framed)
        with clock.stage("classifying"):
            probabilities = self._classify(picture)
        with clock.stage("doubting"):
            doubt, places = self._look_again(picture, probabilities)
            window = crop_window(framed, self.manifest.crop)
            attention = lay_over(places, window=window, box=box, size=grey.shape)
        return self._report(
            mask,
            clock,
            probabilities=probabilities,
            refusal=look_at_doubt(doubt),
            measurements=measurements,
            doubt=doubt,
            attention=attention,
        )

    @torch.inference_mode()
    def segment(self, frame: Pixels) -> tuple[Pixels, float]:
        """Outline kidney and fluid in a grey frame (H, W).

        Returns:
            The mask at the same size, with the mean probability of what it marks
            (0 where it marks nothing).
        """
        side = self.manifest.segmenter.size
        box = Letterbox.of(frame.shape, (side, side))
        logits: Tensor = self._segmenter(to_batch(box.place(frame)[None]))
        rows, columns = box.window
        logits = logits[:, :, rows, columns]
        best, labels = logits.softmax(dim=1).max(dim=1)
        marked = best[labels > 0]
        confidence = float(marked.mean()) if marked.numel() else 0.0
        full = F.interpolate(logits, frame.shape, mode="bilinear", align_corners=False)
        mask: Pixels = full[0].argmax(dim=0).to(torch.uint8).numpy()
        return mask, confidence

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

    def _classify(self, picture: Pixels) -> dict[Grade, float]:
        logits: Tensor = self._classifier(to_batch(picture[None]))
        shares = logits[0].double().softmax(dim=0).tolist()
        return dict(zip(Grade, shares, strict=True))

    def _look_again(
        self, picture: Pixels, plain: dict[Grade, float]
    ) -> tuple[Doubt, Pixels]:
        """How the answer holds, and the places of the picture that gave it."""
        looks, places = look_again(self._classifier, picture)
        looks[0] = list(plain.values())
        doubt = Doubt.between(
            looks,
            least_agreement=self.manifest.least_agreement,
            least_certainty=self.manifest.least_certainty,
        )
        return doubt, places

    def _report(
        self,
        mask: Pixels,
        clock: "_Clock",
        *,
        probabilities: dict[Grade, float] | None = None,
        refusal: Refusal | None = None,
        **extras: Any,
    ) -> GradeReport:
        """With a grade, or with the sentence that says why there is none."""
        if refusal:
            probabilities, extras["attention"] = None, None
        referral, reason = refusal or (None, None)
        return GradeReport(
            grade=max(probabilities, key=probabilities.__getitem__)
            if probabilities
            else None,
            reason=reason,
            probabilities=probabilities,
            mask=mask,
            model_version=self.manifest.version,
            weights_sha256=self.sha256,
            seconds=clock.seconds,
            referral=referral,
            **extras,
        )


class _Clock:
    """Seconds by stage."""

    def __init__(self, on_stage: OnStage | None) -> None:
        self.seconds: dict[str, float] = {}
        self._on_stage = on_stage

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        if self._on_stage:
            self._on_stage(name)
        begin = time.perf_counter()
        yield
        self.seconds[name] = time.perf_counter() - begin


def to_grey(pixels: Pixels) -> Pixels:
    """(H, W) or (H, W, 3) uint8 → (H, W) uint8 luma (ITU-R BT.601).

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
    if colour:
        return np.asarray(Image.fromarray(pixels).convert("L"))
    return pixels
