"""The files of a series, in a folder or a zip, read one by one."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from diagnosis.imaging.errors import ImageRefused
from diagnosis.intake.archive import opened
from diagnosis.intake.errors import ArchiveRefused
from diagnosis.lung.errors import SeriesRefused

MAX_SLICES = 3_000
MAX_SLICE_BYTES = 32 << 20
"""A slice of 512 × 512 has half a MiB."""


@dataclass(frozen=True)
class SeriesFile:
    """One file of a series.

    Attributes:
        name: shown to people, used for nothing else.
        read: its bytes; may be called again.
    """

    name: str
    read: Callable[[], bytes]


@contextmanager
def series_files(path: Path) -> Iterator[Sequence[SeriesFile]]:
    """The files of a folder, of a zip, or the one file itself, sorted by name.

    Hidden files and what systems or viewers leave behind (a DICOMDIR) are left out.
    They can be read as long as the context lasts.

    Raises:
        SeriesRefused: nothing is there, or more than a series has.
    """
    if not path.exists():
        raise SeriesRefused(f"There is no file or folder {path}.")
    if path.is_dir():
        yield _checked(_in_folder(path))
    elif not is_zip(path):
        yield [SeriesFile(path.name, partial(_read, path))]
    else:
        with _archived(path) as files:
            yield _checked(files)


def is_zip(path: Path) -> bool:
    """Whether a file begins as zip archives do."""
    with path.open("rb") as file:
        return file.read(4) in (b"PK\x03\x04", b"PK\x05\x06")


@contextmanager
def _archived(path: Path) -> Iterator[list[SeriesFile]]:
    with path.open("rb") as file, ExitStack() as stack:
        try:
            archive = stack.enter_context(opened(file))
        except ArchiveRefused as error:
            raise SeriesRefused(str(error)) from error
        yield [
            SeriesFile(
                member.name, partial(archive.read, member, limit=MAX_SLICE_BYTES)
            )
            for member in sorted(archive.members, key=lambda each: each.name)
            if not member.is_systems_own
        ]


def _in_folder(folder: Path) -> list[SeriesFile]:
    return [
        SeriesFile(str(path.relative_to(folder)), partial(_read, path))
        for path in sorted(folder.rglob("*"))
        if path.is_file()
        and path.name.casefold() != "dicomdir"
        and not any(part.startswith(".") for part in path.relative_to(folder).parts)
    ]


def _checked(files: list[SeriesFile]) -> list[SeriesFile]:
    if not files:
        raise SeriesRefused("There is no file in it; a series of CT slices would do.")
    if len(files) > MAX_SLICES:
        raise SeriesRefused(
            f"These are {len(files):,} files; a series has at most {MAX_SLICES:,}."
        )
    return files


def _read(path: Path) -> bytes:
    try:
        if path.stat().st_size > MAX_SLICE_BYTES:
            raise ImageRefused(
                f"This file has more than {MAX_SLICE_BYTES >> 20} MiB, which no CT"
                " slice has."
            )
        return path.read_bytes()
    except OSError as error:
        raise ImageRefused(f"This file cannot be read ({error.strerror}).") from error
