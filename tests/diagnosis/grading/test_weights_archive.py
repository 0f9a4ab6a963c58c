"""Weights travel as one archive, and arrive whole or not at all."""

import dataclasses
import hashlib
import io
import shutil
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from diagnosis.grading.errors import WeightsRejected
from diagnosis.grading.manifest import DEFAULT_WEIGHTS, MANIFEST, Part, read_manifest
from diagnosis.grading.weights_archive import pack, unpack
from diagnosis.grading.weights_folder import CARD, WeightsFolder, open_weights


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The shipped weights' manifest with two small files in the networks' place."""
    path = tmp_path / "weights"
    path.mkdir()
    manifest, _digest = read_manifest(DEFAULT_WEIGHTS)
    parts: dict[str, Part] = {}
    for role in ("segmenter", "classifier"):
        content = role.encode() * 700
        part: Part = getattr(manifest, role)
        (path / part.file).write_bytes(content)
        digest = hashlib.sha256(content).hexdigest()
        parts[role] = dataclasses.replace(part, sha256=digest)
    manifest = dataclasses.replace(
        manifest, segmenter=parts["segmenter"], classifier=parts["classifier"]
    )
    (path / MANIFEST).write_bytes(manifest.to_json())
    (path / CARD).write_text("# A card\n")
    return path


@pytest.fixture
def weights(folder: Path) -> WeightsFolder:
    return open_weights(folder)


def contents(path: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in path.iterdir()}


def left_behind(into: Path) -> list[Path]:
    return list(into.parent.iterdir()) if into.parent.exists() else []


def test_what_arrives_is_what_was_sent(weights: WeightsFolder, tmp_path: Path):
    unpack(pack(weights), into=tmp_path / "to" / "here", sha256=weights.sha256)
    assert contents(tmp_path / "to" / "here") == contents(weights.path)
    assert open_weights(tmp_path / "to" / "here").sha256 == weights.sha256
    assert left_behind(tmp_path / "to" / "here") == [tmp_path / "to" / "here"]


def test_the_same_files_are_the_same_bytes_wherever_they_lie(
    weights: WeightsFolder, tmp_path: Path
):
    shutil.copytree(weights.path, tmp_path / "copy")
    for file in (tmp_path / "copy").iterdir():
        file.chmod(0o600)
    (tmp_path / "copy" / "notes.txt").write_text("not part of the weights")
    assert b"".join(pack(open_weights(tmp_path / "copy"))) == b"".join(pack(weights))


@given(length=st.integers(1, 5000))
def test_an_archive_may_come_in_items_of_any_length(
    tmp_path_factory: pytest.TempPathFactory, length: int
):
    weights = open_weights(DEFAULT_WEIGHTS)
    whole = b"".join(pack(weights))[: 20 * 512]  # the manifest, the head of a network
    items = (whole[i : i + length] for i in range(0, len(whole), length))
    into = tmp_path_factory.mktemp("any") / "into"
    with pytest.raises(WeightsRejected):
        unpack(items, into=into, sha256=weights.sha256)
    assert left_behind(into) == []


def test_any_tar_program_reads_it(weights: WeightsFolder):
    with tarfile.open(fileobj=io.BytesIO(b"".join(pack(weights)))) as tar:
        assert tuple(tar.getnames()) == weights.files
        assert {(m.mtime, m.uid, m.gid, m.mode) for m in tar} == {(0, 0, 0, 0o644)}


def test_a_folder_that_was_there_is_replaced(weights: WeightsFolder, tmp_path: Path):
    into = tmp_path / "into"
    into.mkdir()
    (into / "old").write_text("old")
    unpack(pack(weights), into=into, sha256=weights.sha256)
    assert contents(into) == contents(weights.path)


Change = Callable[[bytes], bytes]
ATTACKS: dict[str, tuple[Change, str]] = {
    "a byte of a network": (
        lambda a: a.replace(b"segmentersegmenter", b"segmenterSegmenter", 1),
        "another segmenter.safetensors",
    ),
    "a byte of the manifest": (
        lambda a: a.replace(b'"alpha": 0.1', b'"alpha": 0.2', 1),
        "another manifest",
    ),
    "cut in a network": (lambda a: a[:4000], "no archive|another segmenter"),
    "nothing": (lambda a: b"", "no archive|no weights.json"),
    "no archive": (lambda a: b"\x01" * 5000, "no archive"),
    "the networks missing": (
        lambda a: a[: 512 * 3] + bytes(1024),
        "no segmenter.safetensors where it should be",
    ),
}


@pytest.mark.parametrize(("change", "sentence"), ATTACKS.values(), ids=ATTACKS)
def test_what_was_tampered_with_is_refused_and_leaves_nothing(
    weights: WeightsFolder, tmp_path: Path, change: Change, sentence: str
):
    whole = b"".join(pack(weights))
    changed = change(whole)
    assert changed != whole
    into = tmp_path / "to" / "into"
    with pytest.raises(WeightsRejected, match=sentence):
        unpack([changed], into=into, sha256=weights.sha256)
    assert left_behind(into) == []


@pytest.mark.parametrize("name", ["../outside", "/tmp/outside", "weights.json/x"])
def test_a_file_under_another_name_is_written_nowhere(
    weights: WeightsFolder, tmp_path: Path, name: str
):
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as tar:
        info = tarfile.TarInfo(name)
        info.size = 3
        tar.addfile(info, io.BytesIO(b"bad"))
    into = tmp_path / "to" / "into"
    with pytest.raises(WeightsRejected, match="where it should be"):
        unpack([stream.getvalue()], into=into, sha256=weights.sha256)
    assert left_behind(into) == []


def test_a_link_in_place_of_a_file_is_refused(weights: WeightsFolder, tmp_path: Path):
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as tar:
        info = tarfile.TarInfo(MANIFEST)
        info.type, info.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(info)
    with pytest.raises(WeightsRejected, match="where it should be"):
        unpack([stream.getvalue()], into=tmp_path / "into", sha256=weights.sha256)


# The folder


def test_a_changed_network_is_found_without_reading_a_tensor(folder: Path):
    (folder / "classifier.safetensors").write_bytes(b"other")
    with pytest.raises(WeightsRejected, match="SHA-256 differs"):
        open_weights(folder)


def test_a_missing_network_is_named(folder: Path):
    (folder / "segmenter.safetensors").unlink()
    with pytest.raises(WeightsRejected, match=r"segmenter\.safetensors cannot be read"):
        open_weights(folder)


def test_a_folder_without_a_card_says_what_belongs_there(weights: WeightsFolder):
    (weights.path / CARD).unlink()
    with pytest.raises(WeightsRejected, match="There is no model card"):
        _ = weights.card


def test_two_networks_in_one_file_are_refused(folder: Path):
    manifest = (folder / MANIFEST).read_text()
    changed = manifest.replace("classifier.safetensors", "segmenter.safetensors")
    (folder / MANIFEST).write_text(changed)
    with pytest.raises(WeightsRejected, match="two files the same name"):
        open_weights(folder)
