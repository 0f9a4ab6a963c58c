"""A zip archive of which nothing is ever written anywhere by its own names."""

import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import BinaryIO

from diagnosis.imaging.errors import ImageRefused, refusing
from diagnosis.intake.directory import NO_ARCHIVE, check_directory
from diagnosis.intake.errors import ArchiveRefused
from diagnosis.intake.limits import MAX_ARCHIVE, MAX_FILE, MAX_INFLATED

_ENCRYPTED = 0x1
_READABLE = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_SYSTEMS_OWN = {".ds_store", "thumbs.db", "desktop.ini", "dicomdir"}


@dataclass(frozen=True, eq=False)
class Member:
    """One file of an archive.

    Attributes:
        name: its path in the archive, with "/", shown to people and used for nothing
            but to look up its label.
        info: where it lies.
    """

    name: str
    info: zipfile.ZipInfo

    @property
    def is_systems_own(self) -> bool:
        """Whether an operating system or a viewer left it there."""
        path = PurePosixPath(self.name)
        return (
            "__MACOSX" in path.parts
            or path.name.startswith("._")
            or path.name.casefold() in _SYSTEMS_OWN
        )


class Archive:
    """An opened zip archive; files are inflated one by one into memory."""

    def __init__(self, zipped: zipfile.ZipFile) -> None:
        self._zipped = zipped
        self._inflated = 0
        self.members = [
            Member(info.filename.replace("\\", "/"), info)
            for info in zipped.infolist()
            if not info.is_dir()
        ]

    def read(self, member: Member, *, limit: int = MAX_FILE) -> bytes:
        """Inflate one file.

        Raises:
            ImageRefused: encrypted, too large, damaged or packed in a way that is not
                read here; or its name leads out of the archive.
        """
        info = member.info
        _check_name(member.name)
        if info.flag_bits & _ENCRYPTED:
            raise ImageRefused(
                "This file is encrypted: send the archive without a password."
            )
        if info.compress_type not in _READABLE:
            raise ImageRefused(
                "This file is compressed in a rare way: the usual one, deflate, would do."
            )
        if info.file_size > limit:
            raise ImageRefused(
                f"This file is {info.file_size >> 20:,} MiB inflated; at most"
                f" {limit >> 20} can be read."
            )
        self._inflated += info.file_size
        if self._inflated > MAX_INFLATED:
            raise ImageRefused(
                f"All files together are more than {MAX_INFLATED >> 30} GiB inflated:"
                " from here on none is read."
            )
        with (
            refusing("This file is damaged inside the archive."),
            self._zipped.open(info) as stream,
        ):
            # One byte more than it says it has: the reader then checks its sum.
            return stream.read(info.file_size + 1)


@contextmanager
def opened(file: BinaryIO) -> Iterator[Archive]:
    """Open an archive whose own figures have been checked.

    Memory: its table of contents, at most 8 MiB long.

    Raises:
        ArchiveRefused: no archive, damaged, empty, or too large.
    """
    if file.seek(0, 2) > MAX_ARCHIVE:
        raise ArchiveRefused(
            f"This archive is larger than {MAX_ARCHIVE >> 30} GiB. Split it, and send"
            " one part after the other."
        )
    check_directory(file)
    file.seek(0)
    try:
        zipped = zipfile.ZipFile(file)
    except Exception as error:
        raise ArchiveRefused(NO_ARCHIVE) from error
    with zipped:
        archive = Archive(zipped)
        if not archive.members:
            raise ArchiveRefused("This archive is empty.")
        yield archive


def _check_name(name: str) -> None:
    """Names are never paths here, but one that leads outside comes from no hospital."""
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or name[1:2] == ":":
        raise ImageRefused("The name of this file leads out of the archive.")
