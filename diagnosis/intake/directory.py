"""Measures a zip archive's table of contents before it is read.

Python's own reader builds an object of half a kilobyte for each entry, however many
there are, so the count and the length that the archive itself states come first.
"""

import struct
from typing import BinaryIO

from diagnosis.intake.errors import ArchiveRefused
from diagnosis.intake.limits import MAX_DIRECTORY, MAX_FILES

NO_ARCHIVE = "This file is no zip archive, or its end is missing."
_END, _END_MARK = struct.Struct("<4s4H2LH"), b"PK\x05\x06"
_LONG_PLACE, _LONG_PLACE_MARK = struct.Struct("<4sLQL"), b"PK\x06\x07"
_LONG_END, _LONG_END_MARK = struct.Struct("<4sQ2H2L4Q"), b"PK\x06\x06"
_LONGEST_COMMENT = 0xFFFF
_SEE_LONG = (0xFFFF, 0xFFFFFFFF)


def check_directory(file: BinaryIO) -> None:
    """Refuse an archive with too many files (APPNOTE 6.3.10, 4.3.14 to 4.3.16).

    Raises:
        ArchiveRefused: no archive, or more entries than can be taken at once.
    """
    entries, length = _stated(file)
    if entries > MAX_FILES:
        raise ArchiveRefused(
            f"This archive holds {entries:,} files; at most {MAX_FILES:,} can be taken"
            " at once. Split it, and send one part after the other."
        )
    if length > MAX_DIRECTORY:
        raise ArchiveRefused(
            "This archive's table of contents is far longer than that of a data set."
        )


def _stated(file: BinaryIO) -> tuple[int, int]:
    size = file.seek(0, 2)
    start = max(0, size - _END.size - _LONGEST_COMMENT)
    file.seek(start)
    tail = file.read(_END.size + _LONGEST_COMMENT)
    at = tail.rfind(_END_MARK)
    if at < 0 or len(tail) - at < _END.size:
        raise ArchiveRefused(NO_ARCHIVE)
    _, _, _, _, entries, length, _, _ = _END.unpack_from(tail, at)
    if entries == _SEE_LONG[0] or length == _SEE_LONG[1]:
        return _stated_long(file, start + at)
    return entries, length


def _stated_long(file: BinaryIO, end: int) -> tuple[int, int]:
    """Of an archive with the longer end, whose place stands before the short one."""
    file.seek(max(0, end - _LONG_PLACE.size))
    place = file.read(_LONG_PLACE.size)
    if len(place) < _LONG_PLACE.size or not place.startswith(_LONG_PLACE_MARK):
        raise ArchiveRefused(NO_ARCHIVE)
    _, _, at, _ = _LONG_PLACE.unpack(place)
    # Python looks right before the mark; what lies elsewhere is read by nobody.
    file.seek(max(0, end - _LONG_PLACE.size - _LONG_END.size))
    found = file.read(_LONG_END.size)
    if len(found) < _LONG_END.size or not found.startswith(_LONG_END_MARK):
        raise ArchiveRefused(f"{NO_ARCHIVE} Its table of contents is not at {at:,}.")
    fields = _LONG_END.unpack(found)
    return int(fields[7]), int(fields[8])
