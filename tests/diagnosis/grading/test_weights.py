"""Weights are what their manifest says, or they are refused."""

import json
import shutil

import pytest
import torch

from diagnosis.grading.errors import WeightsRejected
from diagnosis.grading.manifest import DEFAULT_WEIGHTS, MANIFEST, read_manifest
from diagnosis.grading.pipeline import Grader
from diagnosis.grading.weights import load_network, save_network
from diagnosis.networks.catalogue import CATALOGUE, Width

MIB = 1024 * 1024


@pytest.fixture
def folder(tmp_path):
    """A copy of the shipped weights, to be spoilt."""
    return shutil.copytree(DEFAULT_WEIGHTS, tmp_path / "weights")


def change(folder, **fields):
    path = folder / MANIFEST
    path.write_text(json.dumps(json.loads(path.read_text()) | fields))


def part_of(folder, role):
    return json.loads((folder / MANIFEST).read_text())[role]


def test_the_shipped_pair_is_small_with_a_card_that_warns():
    files = list(DEFAULT_WEIGHTS.glob("*.safetensors"))
    assert len(files) == 2
    assert sum(file.stat().st_size for file in files) < 15 * MIB
    card = (DEFAULT_WEIGHTS / "MODEL_CARD.md").read_text()
    assert "Synthetic, not for clinical use" in card
    assert "train_default_weights" in card


def test_the_shipped_manifest_describes_the_networks_of_the_paper():
    manifest, sha256 = read_manifest(DEFAULT_WEIGHTS)
    assert (manifest.segmenter.network, manifest.segmenter.size) == ("A-PSPNet", 473)
    assert (manifest.classifier.network, manifest.classifier.size) == ("ResNet-W", 224)
    assert (manifest.alpha, manifest.frame, manifest.crop) == (
        0.1,
        (768, 1024),
        (608, 810),
    )
    assert len(sha256) == 64


def test_a_manifest_survives_its_own_bytes(tmp_path):
    manifest, _ = read_manifest(DEFAULT_WEIGHTS)
    (tmp_path / MANIFEST).write_bytes(manifest.to_json())
    assert read_manifest(tmp_path)[0] == manifest


@pytest.mark.parametrize("role", ["segmenter", "classifier"])
def test_refuses_a_file_with_one_changed_byte(folder, role):
    path = folder / f"{role}.safetensors"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(WeightsRejected, match=r"SHA-256 differs\. Put the original"):
        Grader.load(folder)


def test_refuses_a_missing_file(folder):
    (folder / "classifier.safetensors").unlink()
    with pytest.raises(WeightsRejected, match="cannot be read"):
        Grader.load(folder)


def test_refuses_an_empty_folder(tmp_path):
    with pytest.raises(WeightsRejected, match="There are no weights in"):
        Grader.load(tmp_path)


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"grades": ["SFU 0-2", "SFU 4", "SFU 3"]}, "other grades"),
        ({"classes": ["kidney"]}, "other grades or classes"),
        ({"palette": [[0, 0, 0]]}, "three colours"),
        ({"alpha": 2}, "alpha from 0 to 1"),
        ({"crop": [900, 900]}, "larger than its frame"),
        ({"surprise": 1}, "not a manifest"),
        ({"segmenter": {"file": "x"}}, "not a manifest"),
    ],
)
def test_refuses_a_manifest_that_does_not_fit(folder, fields, sentence):
    change(folder, **fields)
    with pytest.raises(WeightsRejected, match=sentence):
        Grader.load(folder)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"file": "../segmenter.safetensors"}, "outside its folder"),
        ({"network": "ResNet-W"}, "not those of ResNet-W"),
        ({"network": "Transformer"}, "not in the catalogue"),
        ({"width": 17}, "not in the catalogue"),
        ({"width": 64}, "not those of A-PSPNet"),
    ],
)
def test_refuses_a_part_that_does_not_fit(folder, changes, sentence):
    change(folder, segmenter=part_of(folder, "segmenter") | changes)
    with pytest.raises(WeightsRejected, match=sentence):
        Grader.load(folder)


def test_refuses_bytes_that_are_no_safetensors(folder):
    import hashlib

    (folder / "classifier.safetensors").write_bytes(b"PK not tensors")
    digest = hashlib.sha256(b"PK not tensors").hexdigest()
    change(folder, classifier=part_of(folder, "classifier") | {"sha256": digest})
    with pytest.raises(WeightsRejected, match="not a safetensors file"):
        Grader.load(folder)


def test_half_precision_costs_no_more_than_its_rounding(tmp_path):
    torch.manual_seed(0)
    network = CATALOGUE["ResNet-W"].build(Width.QUARTER).eval()
    sha256 = save_network(network, tmp_path / "classifier.safetensors")
    manifest, _ = read_manifest(DEFAULT_WEIGHTS)
    part = manifest.classifier
    part = type(part)(part.file, part.network, part.width, part.size, sha256)
    loaded = load_network(tmp_path, part)
    for (name, ours), theirs in zip(
        network.state_dict().items(), loaded.state_dict().values(), strict=True
    ):
        assert theirs.dtype == ours.dtype, name
        torch.testing.assert_close(theirs, ours.half().to(ours.dtype))
    assert not loaded.training
    assert not any(parameter.requires_grad for parameter in loaded.parameters())
