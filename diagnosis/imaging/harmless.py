"""The parsers' warnings that say nothing against the pixels."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager

HARMLESS = (
    # Bytes after the last frame: scanners pad.
    (r"The pixel data is \d+ bytes long, which indicates it contains", "pydicom"),
    # The JPEG stream itself says RGB or YBR, which pydicom then follows.
    (r"The \(0028,0004\) 'Photometric Interpretation' value is", "pydicom"),
    # The elements are written in the other of two ways: pydicom reads both.
    (r"Expected (explicit|implicit) VR, but found", "pydicom"),
    # A value that breaks the form of its type but can be read.
    (r"Invalid value for VR", "pydicom"),
    # A broken animation: the still picture is what we read.
    (r"Invalid APNG", "PIL"),
)


@contextmanager
def quiet_about_metadata() -> Iterator[None]:
    """Silence warnings about what is dropped anyway: EXIF, padding, animation."""
    with warnings.catch_warnings():
        for message, package in HARMLESS:
            warnings.filterwarnings("ignore", message, module=rf"{package}\.")
        # Pillow reads EXIF as TIFF; we take only the orientation from it.
        warnings.filterwarnings("ignore", module=r"PIL\.TiffImagePlugin")
        yield
