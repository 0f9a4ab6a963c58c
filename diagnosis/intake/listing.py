"""The list of labels that may lie in an archive: CSV, however it was exported."""

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath

from diagnosis.imaging.errors import ImageRefused
from diagnosis.intake.archive import Archive, Member
from diagnosis.intake.errors import ArchiveRefused
from diagnosis.intake.limits import MAX_FILES, MAX_LIST

FILE = ("file", "path", "image", "filename", "name")
LABEL = ("label", "grade", "class", "sfu")
PATIENT = ("patient", "group", "exam", "patient_id")
WANTED = "Its first line must name the columns: file, label and, if known, patient."


@dataclass(frozen=True)
class Row:
    """What the list says of one file.

    Attributes:
        file: as it stands there.
        label: as it stands there; empty where nothing does.
        patient: as it stands there; empty where nothing does.
        contradicts: another row names the file with another label.
        is_repeated: another row says the same.
    """

    file: str
    label: str
    patient: str
    contradicts: bool = False
    is_repeated: bool = False


class Listing:
    """The rows by file, with those that no file has asked for."""

    def __init__(self, member: Member, rows: dict[str, Row]) -> None:
        self.member = member
        self._folder = str(PurePosixPath(member.name).parent)
        self._rows = rows
        self._asked: set[str] = set()

    def of(self, name: str) -> Row | None:
        """The row of a file, by its path, its path from the list's folder, or its name."""
        path = PurePosixPath(name)
        near = (
            str(path.relative_to(self._folder))
            if path.is_relative_to(self._folder)
            else name
        )
        for key in (_key(near), _key(name), _key(path.name)):
            if key in self._rows:
                self._asked.add(key)
                return self._rows[key]
        return None

    def without_file(self) -> Iterator[Row]:
        """Rows that name no file of the archive, once every file has been asked for."""
        return (row for key, row in self._rows.items() if key not in self._asked)


def find_listing(archive: Archive) -> Listing | None:
    """Read the archive's list; None where it has none.

    Raises:
        ArchiveRefused: several lists, or one that cannot be read.
    """
    lists = [
        member
        for member in archive.members
        if member.name.casefold().endswith(".csv") and not member.is_systems_own
    ]
    if len(lists) > 1:
        names = ", ".join(member.name for member in lists[:3])
        raise ArchiveRefused(
            f"This archive holds {len(lists)} lists ({names}): keep the one that is meant."
        )
    if not lists:
        return None
    try:
        text = _text(archive.read(lists[0], limit=MAX_LIST))
        return Listing(lists[0], _rows(text))
    except (ImageRefused, csv.Error) as error:
        raise ArchiveRefused(
            f"The list {lists[0].name} cannot be read: {error}"
        ) from error


def _text(data: bytes) -> str:
    """Spreadsheets write UTF-8 with a mark, UTF-16, or their country's letters."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16", errors="replace")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp1252", errors="replace")


def _rows(text: str) -> dict[str, Row]:
    lines = text.splitlines()
    head = lines[0] if lines else ""
    mark = max(",;\t", key=head.count)
    table = csv.reader(io.StringIO(text, newline=""), delimiter=mark)
    names = [name.strip().casefold() for name in next(table, [])]
    file, label, patient = (_column(names, known) for known in (FILE, LABEL, PATIENT))
    if file is None:
        raise ArchiveRefused(f"The list names no files. {WANTED}")
    rows: dict[str, Row] = {}
    for cells in table:
        row = Row(_cell(cells, file), _cell(cells, label), _cell(cells, patient))
        if not row.file:
            continue
        key = _key(row.file)
        rows[key] = _joined(rows[key], row) if key in rows else row
        if len(rows) > MAX_FILES:
            raise ArchiveRefused(f"The list has more than {MAX_FILES:,} rows.")
    return rows


def _joined(first: Row, second: Row) -> Row:
    differs = first.label != second.label
    return Row(
        first.file,
        first.label,
        first.patient,
        contradicts=first.contradicts or differs,
        is_repeated=True,
    )


def _column(names: list[str], known: tuple[str, ...]) -> int | None:
    return next((names.index(name) for name in known if name in names), None)


def _cell(cells: list[str], column: int | None) -> str:
    return cells[column].strip() if column is not None and column < len(cells) else ""


def _key(name: str) -> str:
    return str(PurePosixPath(name.replace("\\", "/"))).casefold()
