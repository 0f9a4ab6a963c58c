"""One contract for every way of running a network."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from diagnosis.grading.backends.onnx import OnnxRuntime
from diagnosis.grading.backends.registry import NAMES, QUICK, REFERENCE, make_backend
from diagnosis.grading.errors import BackendUnavailable
from diagnosis.grading.manifest import Part, read_manifest
from diagnosis.grading.pipeline import Grader
from diagnosis.grading.weights import load_network

EXACT = {"eager": 1e-6, "onnx": 1e-4, "compiled": 1e-4}
"""The largest difference from eager ÷ the largest logit; 16-bit types have 8 bits."""


def classifier(folder) -> tuple[nn.Module, Part]:
    part = read_manifest(folder)[0].classifier
    return load_network(folder, part), part


def images(count: int, side: int) -> torch.Tensor:
    return torch.randn(count, 3, side, side, generator=torch.Generator().manual_seed(1))


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_every_backend_answers_as_eager_does(folder, cache, name):
    network, part = classifier(folder)
    given = images(3, part.size)
    untouched = given.clone()
    with torch.inference_mode():
        expected = network(given)
        run = make_backend(name, cache=cache).prepare(network, part)
        logits = run(given)
        alone = torch.cat([run(row[None]) for row in given])
        after = network(given)
    scale = expected.abs().max()
    assert logits.shape == expected.shape
    assert logits.dtype == torch.float32
    assert (logits - expected).abs().max() / scale < EXACT.get(name, 0.05)
    assert (logits - alone).abs().max() / scale < EXACT.get(name, 0.02)
    assert torch.equal(given, untouched)
    assert torch.equal(after, expected)  # the network itself stays as it was


def test_a_grey_image_may_be_a_view_of_one_channel(folder, cache):
    network, part = classifier(folder)
    grey = images(2, part.size)[:, :1].expand(-1, 3, -1, -1)
    with torch.inference_mode():
        for name in QUICK:
            run = make_backend(name, cache=cache).prepare(network, part)
            torch.testing.assert_close(run(grey), run(grey.contiguous()))


def test_the_workers_own_choices_are_backends_with_the_reference():
    assert REFERENCE in QUICK
    assert set(QUICK) <= set(NAMES)
    assert [make_backend(name).name for name in NAMES] == list(NAMES)


def test_an_unknown_backend_is_refused_with_those_that_would_do():
    with pytest.raises(BackendUnavailable, match="eager, bfloat16, onnx"):
        make_backend("tensorrt")


def test_onnx_is_refused_on_an_accelerator():
    with pytest.raises(BackendUnavailable, match="runs on cpu only"):
        make_backend("onnx", device=torch.device("cuda"))


def test_compiling_without_a_compiler_says_what_is_missing(folder, monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(BackendUnavailable, match="C\\+\\+ compiler"):
        make_backend("compiled").prepare(*classifier(folder))


def test_an_export_is_kept_and_read_again(folder, tmp_path, monkeypatch):
    network, part = classifier(folder)
    run = OnnxRuntime(tmp_path).prepare(network, part)
    (file,) = tmp_path.glob("*.onnx")
    monkeypatch.setattr("diagnosis.grading.backends.onnx.export", None)
    again = OnnxRuntime(tmp_path).prepare(nn.Identity(), part)
    given = images(2, part.size)
    assert torch.equal(run(given), again(given))
    monkeypatch.undo()
    whole = file.read_bytes()
    file.write_bytes(whole[: len(whole) // 2])
    assert torch.equal(OnnxRuntime(tmp_path).prepare(network, part)(given), run(given))
    assert file.read_bytes()[:100] == whole[:100]
    assert len(file.read_bytes()) == len(whole)


def test_other_weights_are_another_export(folder, tmp_path):
    _, part = classifier(folder)
    file = OnnxRuntime(tmp_path)._file
    other = Part(part.file, part.network, part.width, part.size, sha256="0" * 64)
    assert file(part) != file(other)
    assert file(Part("", "", 16, 64, sha256="")) is None


def test_where_an_export_cannot_be_kept_it_is_still_run(folder, tmp_path, caplog):
    blocked = tmp_path / "file"
    blocked.write_text("a file where the folder should be")
    network, part = classifier(folder)
    run = OnnxRuntime(blocked / "cache").prepare(network, part)
    assert run(images(1, part.size)).shape == (1, 3)
    assert "could not be kept" in caplog.text


def test_every_report_names_backend_and_device(folder, cache):
    pixels = np.random.default_rng(0).integers(0, 256, (96, 128), dtype=np.uint8)
    for name in QUICK:
        report = Grader.load(folder, backend=name, cache=cache).grade(pixels)
        assert (report.backend, report.device) == (name, "cpu")


def test_a_grader_of_modules_runs_them_as_they_are(folder):
    manifest, sha256 = read_manifest(folder)
    segmenter = load_network(folder, manifest.segmenter)
    grader = Grader(
        manifest=manifest, sha256=sha256, segmenter=segmenter, classifier=nn.Identity()
    )
    frame = np.random.default_rng(0).integers(0, 256, manifest.frame, dtype=np.uint8)
    last: Any = segmenter.get_submodule("head")[-1]  # type: ignore[index]
    with torch.no_grad():  # what training does to the module, the grader sees
        last.weight.zero_()
        last.bias.copy_(torch.tensor([0.0, 0.0, 5.0]))
    mask, confidence = grader.segment(frame)
    assert mask.shape == manifest.frame
    assert (mask == 2).all()
    assert confidence == pytest.approx(np.exp(5) / (np.exp(5) + 2))
    picture = grader.classifier_input(frame, mask)
    assert picture.shape == (manifest.classifier.size, manifest.classifier.size, 3)
