"""One series in, one report out: window, ask the network, answer for the patient."""

import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from diagnosis.grading.framing import Pixels, resize
from diagnosis.grading.tensors import to_batch
from diagnosis.grading.weights import load_network
from diagnosis.lung.manifest import LungManifest, read_manifest
from diagnosis.lung.patient import Lengths, patient_probabilities
from diagnosis.lung.report import LungReport
from diagnosis.lung.scale import Finding
from diagnosis.lung.series import Series
from diagnosis.lung.windows import aerated_share, to_channels

MICRO_BATCH = 8
"""Slices that the network is asked about at once: memory stays the same for any series."""


class LungGrader:
    """The capsule network, warm, with everything that decides an answer.

    May be kept for the life of a process; ``grade`` changes nothing in it. The same
    slices in any order give the same report, apart from the times, on the same machine
    with the same threads.
    """

    def __init__(
        self, *, manifest: LungManifest, sha256: str, network: nn.Module
    ) -> None:
        self.manifest = manifest
        self.sha256 = sha256
        self._network = network
        self._outputs = [manifest.classes.index(finding) for finding in Finding]

    @classmethod
    def load(cls, folder: Path) -> "LungGrader":
        """Read a folder of weights.

        Raises:
            WeightsRejected: there are none, or they are changed or another network's.
        """
        manifest, sha256 = read_manifest(folder)
        network = load_network(folder, manifest.network)
        return cls(manifest=manifest, sha256=sha256, network=network)

    def grade(self, series: Series) -> LungReport:
        """Answer for the patient whose series it is, or say why a person must.

        Raises:
            SeriesRefused: a slice is damaged.
        """
        begin = time.perf_counter()
        least = self.manifest.least_slices
        if len(series) < least:
            slices = "one slice" if len(series) == 1 else f"{len(series)} slices"
            return self._report(
                series,
                begin,
                reason=f"This series has only {slices}, of at least {least} that an"
                " answer for a patient needs: a person should look at it.",
            )
        lengths, aerated = self._ask(series)
        return self._report(
            series,
            begin,
            lengths=lengths,
            aerated=aerated,
            reason=self._doubt(lengths, aerated),
        )

    @torch.inference_mode()
    def _ask(self, series: Series) -> tuple[Lengths, float]:
        lengths: list[tuple[float, float]] = []
        aerated: list[float] = []
        for batch in in_batches(self._pictures(series, aerated), MICRO_BATCH):
            answers: Tensor = self._network(to_batch(np.stack(batch)))
            lengths += map(_pair, answers[:, self._outputs].clamp(0, 1).tolist())
        return lengths, float(np.mean(aerated))

    def _pictures(self, series: Series, aerated: list[float]) -> Iterator[Pixels]:
        """What the network sees of each slice, (size, size, 3) uint8."""
        side = self.manifest.network.size
        for values in series.hounsfield():
            aerated.append(aerated_share(values))
            yield resize(to_channels(values, self.manifest.windows), (side, side))

    def _doubt(self, lengths: Lengths, aerated: float) -> str | None:
        """Why a person must look, if one must."""
        if aerated < self.manifest.least_aerated:
            return (
                f"Only {aerated:.1%} of this series is as dense as aired lung: it does"
                " not seem to show the chest, so a person should look at it."
            )
        certainty = max(patient_probabilities(lengths).values())
        if certainty < self.manifest.least_certainty:
            return (
                f"The network is undecided ({certainty:.0%} for the likelier finding):"
                " a person should look at this series."
            )
        return None

    def _report(
        self,
        series: Series,
        begin: float,
        *,
        reason: str | None,
        lengths: Lengths = (),
        aerated: float = 0.0,
    ) -> LungReport:
        finding = None
        if reason is None:
            shares = patient_probabilities(lengths)
            finding = max(Finding, key=shares.__getitem__)
        return LungReport(
            finding=finding,
            reason=reason,
            lengths=tuple(lengths) if finding else (),
            slices=len(series),
            aerated=aerated,
            model_version=self.manifest.version,
            weights_sha256=self.sha256,
            seconds={"grading": time.perf_counter() - begin},
        )


def in_batches(pictures: Iterator[Pixels], size: int) -> Iterator[list[Pixels]]:
    """So many at a time; the last may be fewer."""
    while batch := list(islice(pictures, size)):
        yield batch


def _pair(answers: list[float]) -> tuple[float, float]:
    non_covid, covid = answers
    return non_covid, covid
