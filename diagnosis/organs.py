"""The organs that can be graded: what each takes, needs, answers, and who runs it."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from diagnosis.grading.scale import Grade
from diagnosis.lung.ct_slice import CT, modality_of
from diagnosis.lung.files import MAX_SLICE_BYTES, is_zip
from diagnosis.lung.scale import Finding


@dataclass(frozen=True)
class Organ:
    """One grader, as a row of a table; nothing of it is loaded.

    Attributes:
        name: in commands.
        title: on pages.
        modality: DICOM's code for what made the image.
        takes: one thing to grade, in words.
        needs: without which there is no answer, in words.
        answers: everything that it can answer.
        run_by: where an answer comes from, in words.
    """

    name: str
    title: str
    modality: str
    takes: str
    needs: str
    answers: tuple[str, ...]
    run_by: str


KIDNEY = Organ(
    name="kidney",
    title="Kidney ultrasound",
    modality="US",
    takes="one ultrasound image: PNG, JPEG or DICOM",
    needs="a segmenter and a classifier; synthetic weights are shipped",
    answers=tuple(Grade),
    run_by="the diagnosis service, from a patient's page; grade_file",
)
LUNG = Organ(
    name="lung",
    title="Lung CT",
    modality=CT,
    takes="one series of axial slices: a folder or a zip of DICOM files",
    needs="a capsule network trained on own labelled series; no weights are shipped",
    answers=tuple(Finding),
    run_by="grade_file",
)
ORGANS: Mapping[str, Organ] = {organ.name: organ for organ in (KIDNEY, LUNG)}


def organ_of(path: Path) -> Organ:
    """The organ whose grader takes what lies there.

    A zip is a series; a folder is what its first file is, hidden ones aside. What no
    grader takes, or nobody can read, is the kidney's, which refuses it in a sentence.
    """
    try:
        first = _first(path)
        if first is None:
            return KIDNEY
        if is_zip(first):
            return LUNG if first == path else KIDNEY
        if first.stat().st_size > MAX_SLICE_BYTES:
            return KIDNEY
        return LUNG if modality_of(first.read_bytes()) == CT else KIDNEY
    except OSError:
        return KIDNEY


def _first(path: Path) -> Path | None:
    if not path.is_dir():
        return path
    files = (
        file
        for file in sorted(path.rglob("*"))
        if file.is_file()
        and file.name.casefold() != "dicomdir"
        and not any(part.startswith(".") for part in file.relative_to(path).parts)
    )
    return next(files, None)
