"""Files that come inside pydicom's wheel."""

from io import BytesIO
from pathlib import Path

import pytest
from pydicom import dcmread
from pydicom.data import get_testdata_file


@pytest.fixture(scope="session")
def shipped():
    """Read one of pydicom's own files by name; nothing is downloaded."""

    def read(name):
        return Path(str(get_testdata_file(name, download=False))).read_bytes()

    return read


@pytest.fixture(scope="session")
def example(shipped):
    """Parse one of pydicom's own files by name."""
    return lambda name: dcmread(BytesIO(shipped(name)))
