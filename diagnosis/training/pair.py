"""From material to a pair of networks in a folder of weights."""

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch import nn

from diagnosis.grading.framing import Letterbox, Pixels
from diagnosis.grading.manifest import MANIFEST, Manifest, Part
from diagnosis.grading.pipeline import Grader
from diagnosis.grading.weights import channels_last, save_network, write_whole
from diagnosis.networks.catalogue import CATALOGUE, Width
from diagnosis.training.classification import train_classifier
from diagnosis.training.dataset import Tell
from diagnosis.training.material import Material
from diagnosis.training.recipe import Recipe
from diagnosis.training.segmentation import train_segmenter

SNAPSHOTS = ".snapshots"


def train_pair(
    out: Path, version: str, material: Material, recipe: Recipe, *, tell: Tell
) -> Grader:
    """Train the segmenter, then the classifier on what the segmenter makes of frames.

    While training lasts, each network is saved in a hidden folder of snapshots
    after every epoch; the finished files appear whole, the manifest last.

    Args:
        out: receives the weights and weights.json.
        version: of the pair.
        material: what to learn from.
        recipe: how.
        tell: is given lines of progress.

    Returns:
        The pair, read back from the files.
    """
    torch.manual_seed(recipe.seed)
    manifest = blank_manifest(version, recipe)
    segmenter, classifier = _build(manifest.segmenter), _build(manifest.classifier)
    train_segmenter(
        segmenter,
        material,
        recipe.segmentation,
        seed=recipe.seed,
        tell=tell,
        after_epoch=lambda network: _snapshot(network, out, manifest.segmenter),
    )
    graded = material.graded
    train_classifier(
        classifier,
        merged_pictures(manifest, segmenter, graded),
        graded,
        recipe.classification,
        seed=recipe.seed,
        tell=tell,
        after_epoch=lambda network: _snapshot(network, out, manifest.classifier),
    )
    _save(out, manifest, segmenter, classifier)
    shutil.rmtree(out / SNAPSHOTS)
    return Grader.load(out)


def blank_manifest(version: str, recipe: Recipe) -> Manifest:
    """The manifest of a recipe's pair, before there are files to digest."""

    def part(role: str, network: str, size: int) -> Part:
        return Part(f"{role}.safetensors", network, int(recipe.width), size, sha256="")

    return Manifest(
        version=version,
        segmenter=part("segmenter", "A-PSPNet", recipe.segmentation.size),
        classifier=part("classifier", "ResNet-W", recipe.classification.size),
    )


def merged_pictures(
    manifest: Manifest, segmenter: nn.Module, material: Material
) -> Pixels:
    """What the classifier will see of every frame.

    With the segmenter's own masks, errors included, as in the pipeline.

    Returns:
        (N, S, S, 3) uint8, in the order of the material; S is the classifier's size.
    """
    segmenter.eval()
    grader = Grader(
        manifest=manifest, sha256="", segmenter=segmenter, classifier=nn.Identity()
    )
    return np.stack(
        [
            merged_picture(grader, frame, grader.segment(frame)[0])
            for frame in material.frames
        ]
    )


def merged_picture(grader: Grader, frame: Pixels, mask: Pixels) -> Pixels:
    """What the classifier sees of a frame (H, W), through the pipeline's own steps."""
    box = Letterbox.of((frame.shape[0], frame.shape[1]), grader.manifest.frame)
    return grader.classifier_input(box.place(frame), box.place(mask, nearest=True))


def _build(part: Part) -> nn.Module:
    return channels_last(CATALOGUE[part.network].build(Width(part.width)))


def _snapshot(network: nn.Module, out: Path, part: Part) -> None:
    save_network(network, out / SNAPSHOTS / part.file)


def _save(
    out: Path, manifest: Manifest, segmenter: nn.Module, classifier: nn.Module
) -> None:
    """Write both networks, then the manifest that names their digests."""
    finished = replace(
        manifest,
        segmenter=replace(
            manifest.segmenter,
            sha256=save_network(segmenter, out / manifest.segmenter.file),
        ),
        classifier=replace(
            manifest.classifier,
            sha256=save_network(classifier, out / manifest.classifier.file),
        ),
    )
    write_whole(out / MANIFEST, finished.to_json())
