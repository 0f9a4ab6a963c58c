"""Small pairs of networks with answers that tests can know."""

from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from diagnosis.grading.manifest import MANIFEST, Manifest, Part
from diagnosis.grading.pipeline import Grader
from diagnosis.grading.weights import save_network
from diagnosis.networks.catalogue import CATALOGUE, Width

SIZE, CROP = (96, 128), (76, 101)
SIDE = 65
SHA = "ab" * 32


def manifest(**changes) -> Manifest:
    """Frames of 96 × 128; whatever the segmenter marks counts as a kidney."""
    fields: dict[str, Any] = {
        "version": "test-1",
        "segmenter": Part("s.safetensors", "A-PSPNet", Width.QUARTER, 97, sha256=""),
        "classifier": Part("c.safetensors", "ResNet-W", Width.QUARTER, 64, sha256=""),
        "frame": SIZE,
        "crop": CROP,
        "least_area": 0.0,
        "least_confidence": 0.0,
        "least_contrast": 0.0,
        "least_agreement": 0.0,
        "least_certainty": 0.0,
    }
    return Manifest(**(fields | changes))


class ByBrightness(nn.Module):
    """Marks dark pixels as background, grey as kidney, bright as fluid."""

    def forward(self, images: Tensor) -> Tensor:
        grey = images[:, 0]
        return torch.stack((-4 * grey, 0 * grey, 4 * grey - 4), dim=1)


class ByMean(nn.Module):
    """Grades by the mean brightness, the more the worse."""

    def __init__(self) -> None:
        super().__init__()
        last = nn.Linear(3, 3)
        with torch.no_grad():
            last.bias.zero_()
            last.weight.copy_(torch.tensor([-1.0, 0.0, 1.0])[:, None].expand(3, 3) / 3)
        self.head = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), last)

    def forward(self, images: Tensor) -> Tensor:
        logits: Tensor = self.head(images)
        return logits


def simple_grader(**changes) -> Grader:
    fields: dict[str, Any] = {
        "manifest": manifest(),
        "sha256": SHA,
        "segmenter": ByBrightness(),
        "classifier": ByMean(),
    }
    return Grader(**(fields | changes))


def write_pair(folder: Path, seed: int = 0) -> Path:
    """Real networks of quarter width with random weights, as a folder."""
    torch.manual_seed(seed)
    blank = manifest()
    parts = {}
    for part in (blank.segmenter, blank.classifier):
        network = CATALOGUE[part.network].build(Width.QUARTER)
        sha256 = save_network(network, folder / part.file)
        parts[part.file] = Part(part.file, part.network, 16, part.size, sha256)
    finished = manifest(
        segmenter=parts[blank.segmenter.file], classifier=parts[blank.classifier.file]
    )
    (folder / MANIFEST).write_bytes(finished.to_json())
    return folder
