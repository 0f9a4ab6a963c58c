"""Which of the parsers' warnings speak against the pixels."""

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
    # One frame is meant.
    (r"A value of '0' for \(0028,0008\) 'Number of Frames' is invalid", "pydicom"),
    # A value that breaks the form of its type but can be read.
    (r"Invalid value for VR", "pydicom"),
    # A broken animation: the still picture is what we read.
    (r"Invalid APNG", "PIL"),
)

UNUSED = (
    # Pillow reads EXIF as TIFF; we take only the orientation from it.
    r"PIL\.TiffImagePlugin",
    # How names are spelled, of which none is read.
    r"pydicom\.charset",
)
"""Modules of which every warning is about something that is dropped."""

DAMAGE = r"End of file reached before delimiter"
"""pydicom goes on with what it has; we would rather not."""


@contextmanager
def judging_warnings() -> Iterator[None]:
    """Silence warnings about what is dropped anyway; raise those about damage."""
    with warnings.catch_warnings():
        warnings.filterwarnings("error", DAMAGE, module=r"pydicom\.")
        for message, package in HARMLESS:
            warnings.filterwarnings("ignore", message, module=rf"{package}\.")
        for module in UNUSED:
            warnings.filterwarnings("ignore", module=module)
        yield
