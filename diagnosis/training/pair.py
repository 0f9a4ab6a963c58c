"""From a recipe to a folder of weights."""

import shutil
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch import nn

from diagnosis.grading.framing import Pixels
from diagnosis.grading.manifest import MANIFEST, Manifest, Part, read_manifest
from diagnosis.grading.pipeline import Grader
from diagnosis.grading.weights import channels_last, save_network, write_whole
from diagnosis.networks.catalogue import CATALOGUE, Width
from diagnosis.training.classification import train_classifier
from diagnosis.training.dataset import HELD_OUT, PhantomSet, Tell, make_set
from diagnosis.training.figures import Figures, measure
from diagnosis.training.model_card import write_card
from diagnosis.training.recipe import Recipe
from diagnosis.training.segmentation import train_segmenter

VERSION = "phantom-1"
SNAPSHOTS = ".snapshots"


def train_pair(out: Path, recipe: Recipe, *, tell: Tell) -> Figures:
    """Draw phantoms, train both networks, measure them, write the folder.

    While training lasts, each network is saved in a hidden folder of snapshots
    after every epoch; the finished files appear whole, the card last.

    Args:
        out: receives the weights, weights.json and MODEL_CARD.md.
        recipe: what to do.
        tell: is given lines of progress.

    Returns:
        What the pair reaches on held-out phantoms, read back from the files.
    """
    begin = time.monotonic()
    torch.manual_seed(recipe.seed)
    phantoms = make_set(
        per_grade=recipe.per_grade, without=recipe.without, first_seed=0, tell=tell
    )
    manifest = blank_manifest(recipe)
    segmenter, classifier = _build(manifest.segmenter), _build(manifest.classifier)
    train_segmenter(
        segmenter,
        phantoms,
        recipe.segmentation,
        seed=recipe.seed,
        tell=tell,
        after_epoch=lambda network: _snapshot(network, out, manifest.segmenter),
    )
    pictures = merged_pictures(manifest, segmenter, phantoms)
    train_classifier(
        classifier,
        pictures,
        [grade for grade in phantoms.grades if grade],
        recipe.classification,
        seed=recipe.seed,
        tell=tell,
        after_epoch=lambda network: _snapshot(network, out, manifest.classifier),
    )
    _save(out, manifest, segmenter, classifier)
    figures = _measure(out, recipe, tell)
    minutes = (time.monotonic() - begin) / 60
    card = write_card(read_manifest(out)[0], recipe, figures, minutes=minutes)
    write_whole(out / "MODEL_CARD.md", card.encode())
    shutil.rmtree(out / SNAPSHOTS)
    return figures


def blank_manifest(recipe: Recipe) -> Manifest:
    """The manifest of a recipe's pair, before there are files to digest."""

    def part(role: str, network: str) -> Part:
        size = CATALOGUE[network].size
        return Part(f"{role}.safetensors", network, int(recipe.width), size, sha256="")

    return Manifest(
        version=VERSION,
        segmenter=part("segmenter", "A-PSPNet"),
        classifier=part("classifier", "ResNet-W"),
    )


def merged_pictures(
    manifest: Manifest, segmenter: nn.Module, phantoms: PhantomSet
) -> Pixels:
    """What the classifier will see of every frame with a kidney.

    With the segmenter's own masks, errors included, as in the pipeline.

    Returns:
        (N, 224, 224, 3) uint8, in the order of the set.
    """
    segmenter.eval()
    grader = Grader(
        manifest=manifest, sha256="", segmenter=segmenter, classifier=nn.Identity()
    )
    frames = (phantoms.frames[index] for index in phantoms.graded)
    return np.stack(
        [grader.classifier_input(frame, grader.segment(frame)[0]) for frame in frames]
    )


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


def _measure(out: Path, recipe: Recipe, tell: Tell) -> Figures:
    held_out = make_set(
        per_grade=recipe.held_out,
        without=recipe.held_out,
        first_seed=HELD_OUT,
        tell=tell,
    )
    return measure(Grader.load(out), held_out)
