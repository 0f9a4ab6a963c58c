"""The shipped weights, loaded once."""

import pytest

from diagnosis.grading.pipeline import Grader


@pytest.fixture(scope="session")
def grader():
    return Grader.load()
