"""Weights and what backends make of them, once for all tests."""

import shutil
from pathlib import Path

import pytest

from diagnosis.grading.pipeline import Grader
from tests.diagnosis.grading.pairs import write_pair


@pytest.fixture(scope="session")
def grader():
    return Grader.load()


@pytest.fixture(scope="session")
def folder(tmp_path_factory) -> Path:
    """A small pair with random weights."""
    return write_pair(Path(tmp_path_factory.mktemp("pair")))


@pytest.fixture(scope="session")
def exported(folder, tmp_path_factory) -> Path:
    """The pair's ONNX graphs: exporting takes seconds."""
    cache = Path(tmp_path_factory.mktemp("exported"))
    Grader.load(folder, backend="onnx", cache=cache)
    return cache


@pytest.fixture
def cache(exported, tmp_path) -> Path:
    """A cache of one's own that has them."""
    return Path(shutil.copytree(exported, tmp_path / "cache"))
