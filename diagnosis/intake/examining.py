"""Looks at every file of an archive and says what becomes of it."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath

from diagnosis.grading.scale import Grade
from diagnosis.imaging.decoding import decode
from diagnosis.imaging.desensitising import desensitise
from diagnosis.imaging.errors import ImageRefused
from diagnosis.imaging.image import DecodedImage, Pixels
from diagnosis.intake.archive import Archive, Member
from diagnosis.intake.labels import KNOWN, parse_label
from diagnosis.intake.listing import Listing, Row, find_listing
from diagnosis.intake.outcomes import Outcome, Status
from diagnosis.intake.patients import dicom_patient, group_of


@dataclass(frozen=True, eq=False)
class Examined:
    """A file's outcome, with its desensitised picture as PNG where it is used."""

    outcome: Outcome
    png: bytes | None = None


def examine(archive: Archive, *, labelled: bool) -> Iterator[Examined]:
    """Say of each file whether it can be graded; nothing is graded.

    Memory: one file, one picture and a digest of each picture before.

    Args:
        archive: what to look at.
        labelled: every picture needs a grade, by the list or by a folder's name.

    Returns:
        In the archive's order, then the rows of the list that have no file.

    Raises:
        ArchiveRefused: several lists, or one that cannot be read.
    """
    return _Examination(find_listing(archive), labelled=labelled).run(archive)


@dataclass
class _Examination:
    """What one look at an archive has to remember."""

    listing: Listing | None
    labelled: bool
    names: set[str] = field(default_factory=set)
    shown: dict[str, str] = field(default_factory=dict)  # digest → name
    classes: dict[str, str] = field(default_factory=dict)  # group → label
    used: int = 0

    def run(self, archive: Archive) -> Iterator[Examined]:
        for member in archive.members:
            yield self._file(archive, member)
        for row in self.listing.without_file() if self.listing else ():
            yield Examined(
                Outcome(
                    row.file,
                    Status.REFUSED,
                    "The list names this file, but it is not in the archive.",
                )
            )

    def _file(self, archive: Archive, member: Member) -> Examined:
        name = member.name
        if self.listing and member is self.listing.member:
            return _ignored(name, "The list itself.")
        if member.is_systems_own:
            return _ignored(name, "Left there by an operating system or a viewer.")
        try:
            self._check_name(name)
            row = self._row(name)
            data = archive.read(member)
            image = decode(data)
            label = self._label(name, row)
            sent = desensitise(image)
            digest = digest_of(sent.pixels)
            self._check_new(name, digest)
        except ImageRefused as refusal:
            return Examined(Outcome(name, Status.REFUSED, refusal.sentence))
        self.used += 1
        outcome = Outcome(
            name=name,
            status=Status.USED,
            sentence=_notes(row, image),
            label=label,
            group=group_of(_patient(name, row, data, image)),
            number=self.used,
            digest=digest,
        )
        return Examined(self._compared(outcome), sent.png)

    def _check_name(self, name: str) -> None:
        if name in self.names:
            raise ImageRefused("The archive holds another file of this very name.")
        self.names.add(name)

    def _row(self, name: str) -> Row | None:
        row = self.listing.of(name) if self.listing else None
        if row and row.contradicts:
            raise ImageRefused("The list names this file with two different labels.")
        return row

    def _label(self, name: str, row: Row | None) -> str | None:
        if self.listing:
            return self._listed_label(row)
        folders = PurePosixPath(name).parent.parts
        found = next(filter(None, map(parse_label, folders)), None)
        if self.labelled and found is None:
            folder = f"its folder “{folders[-1]}”" if folders else "no folder"
            raise ImageRefused(
                f"This file has no label: {folder} is none of {KNOWN}, and there is no"
                " list."
            )
        return found

    def _listed_label(self, row: Row | None) -> Grade | None:
        found = parse_label(row.label) if row else None
        if self.labelled and row is None:
            raise ImageRefused("The list has no row for this file.")
        if self.labelled and row and found is None:
            written = row.label[:40]
            raise ImageRefused(
                f"The list labels this file “{written}”, which is none of {KNOWN}."
                if written
                else "The list has no label for this file."
            )
        return found

    def _check_new(self, name: str, digest: str) -> None:
        if digest in self.shown:
            raise ImageRefused(f"Shows the very same pixels as {self.shown[digest]}.")
        self.shown[digest] = name

    def _compared(self, outcome: Outcome) -> Outcome:
        """Say so where the patient has another grade, too: two kidneys, or a mistake."""
        if outcome.label is None:
            return outcome
        first = self.classes.setdefault(outcome.group, outcome.label)
        if first == outcome.label:
            return outcome
        note = f"The same patient has pictures labelled {first}, too: check both."
        return replace(outcome, sentence=f"{note} {outcome.sentence}".strip())


def digest_of(pixels: Pixels) -> str:
    """SHA-256 over shape and pixels, hex: alike for what the networks see as alike."""
    header = repr(pixels.shape).encode()
    return hashlib.sha256(header + pixels.tobytes()).hexdigest()


def _ignored(name: str, sentence: str) -> Examined:
    return Examined(Outcome(name, Status.IGNORED, sentence))


def _patient(name: str, row: Row | None, data: bytes, image: DecodedImage) -> str:
    """Whatever says best whose picture it is; each file its own where nothing does."""
    if row and row.patient:
        return row.patient
    if image.format == "dicom" and (number := dicom_patient(data)):
        return number
    folders = PurePosixPath(name).parent.parts
    labels = [place for place, folder in enumerate(folders) if parse_label(folder)]
    below = folders[labels[0] + 1 :] if labels else ()
    return "/".join(below) or name


def _notes(row: Row | None, image: DecodedImage) -> str:
    notes = []
    if row and row.is_repeated:
        notes.append("The list names it more than once, with the same label.")
    if image.frames > 1:
        notes.append(f"The first of its {image.frames} frames is taken.")
    return " ".join(notes)
