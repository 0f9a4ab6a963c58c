"""Grades image files with the worker's own pipeline."""

import json
from argparse import ArgumentParser
from collections.abc import Callable, Iterator, Mapping
from itertools import groupby
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from diagnosis.grading.errors import GradingError, WeightsRejected
from diagnosis.grading.pipeline import Grader
from diagnosis.grading.report import GradeReport
from diagnosis.imaging.decoding import decode
from diagnosis.imaging.desensitising import desensitise
from diagnosis.imaging.errors import ImageRefused
from diagnosis.loading import load_grader
from diagnosis.lung import answering
from diagnosis.lung.manifest import HOW_TO_MAKE
from diagnosis.lung.pipeline import LungGrader
from diagnosis.organs import KIDNEY, LUNG, ORGANS, Organ, organ_of


class Command(BaseCommand):
    help = (
        "Grades PNG, JPEG or DICOM files, or all files under folders, as the worker"
        " does; a folder or zip of CT slices is one series. No database is needed. Exit"
        " 1 where a path does not exist, or where an organ has no weights."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("paths", nargs="+", type=Path, metavar="PATH")
        parser.add_argument(
            "--json", action="store_true", help="one JSON object a line"
        )
        parser.add_argument(
            "--frame", type=int, default=0, help="of multi-frame files, from 0"
        )
        parser.add_argument(
            "--organ", choices=list(ORGANS), help="by what lies there, unless given"
        )
        parser.add_argument(
            "--weights", type=Path, metavar="DIR", help="the lung has none of its own"
        )

    def handle(self, **options: Any) -> None:
        found = [path for path in options["paths"] if path.exists()]
        try:
            for organ, paths in _by_organ(found, options["organ"]):
                self._grade(organ, paths, options)
        except GradingError as error:
            raise CommandError(str(error)) from error
        missing = [str(path) for path in options["paths"] if not path.exists()]
        if missing:
            raise CommandError(f"No such file or folder: {', '.join(missing)}.")

    def _grade(self, organ: Organ, paths: list[Path], options: dict[str, Any]) -> None:
        """Write an answer for every image or series of one organ."""
        answers, line = GRADERS[organ.name](paths, options)
        write = json_line if options["json"] else line
        for answer in answers:
            self.stdout.write(write(answer))
            self.stdout.flush()


Answers = tuple[Iterator[dict[str, Any]], Callable[[dict[str, Any]], str]]
"""The answers, with what makes a line of each for people."""


def _kidneys(paths: list[Path], options: dict[str, Any]) -> Answers:
    grader = load_grader(options["weights"] or settings.MODEL_DIR)
    return (
        answer_for(path, grader, frame=options["frame"]) for path in files_under(paths)
    ), text_line


def _lungs(paths: list[Path], options: dict[str, Any]) -> Answers:
    if options["weights"] is None:
        raise WeightsRejected(
            f"Lung CT needs weights: name their folder by --weights DIR. {HOW_TO_MAKE}"
        )
    grader = LungGrader.load(options["weights"])
    return (answering.answer_for(path, grader) for path in paths), answering.text_line


GRADERS: Mapping[str, Callable[[list[Path], dict[str, Any]], Answers]] = {
    KIDNEY.name: _kidneys,
    LUNG.name: _lungs,
}
"""What grades each organ of the table."""


def _by_organ(
    paths: list[Path], name: str | None
) -> Iterator[tuple[Organ, list[Path]]]:
    """The paths of each organ, in the order given."""
    for organ, its in groupby(
        paths, key=lambda path: ORGANS[name] if name else organ_of(path)
    ):
        yield organ, list(its)


def files_under(paths: list[Path]) -> Iterator[Path]:
    """The files themselves, then those in folders, sorted; hidden ones left out."""
    for path in paths:
        if path.is_dir():
            yield from sorted(
                file
                for file in path.rglob("*")
                if file.is_file()
                and not any(p.startswith(".") for p in file.relative_to(path).parts)
            )
        elif path.exists():
            yield path


def answer_for(path: Path, grader: Grader, *, frame: int) -> dict[str, Any]:
    """What the pipeline says of one file, as plain values.

    ``outcome`` is 'graded', 'no kidney found' or 'refused'; only the last has a
    sentence in ``refused``.
    """
    try:
        report = _grade(path, grader, frame)
    except (ImageRefused, GradingError) as error:
        return _answer(path, refused=str(error))
    except OSError as error:
        return _answer(path, refused=f"The file cannot be read ({error.strerror}).")
    return _answer(path, report=report)


def _grade(path: Path, grader: Grader, frame: int) -> GradeReport:
    size = path.stat().st_size
    if size > settings.MAX_UPLOAD_BYTES:
        raise ImageRefused(
            f"This file has {size:,} bytes, more than the"
            f" {settings.MAX_UPLOAD_BYTES:,} that an upload may have."
        )
    image = desensitise(decode(path.read_bytes(), frame=frame))
    return grader.grade(image.pixels)


def _answer(
    path: Path, *, report: GradeReport | None = None, refused: str | None = None
) -> dict[str, Any]:
    outcome = "refused"
    if report:
        outcome = "graded" if report.grade else "no kidney found"
    shares = report.probabilities if report else None
    return {
        "path": str(path),
        "outcome": outcome,
        "grade": report.grade if report else None,
        "reason": report.reason if report else None,
        "probabilities": dict(shares) if shares else None,
        "fluid_fraction": report.fluid_fraction if report else None,
        "hydronephrosis_index": report.hydronephrosis_index if report else None,
        "seconds": sum(report.seconds.values()) if report else None,
        "model_version": report.model_version if report else None,
        "backend": report.backend if report else None,
        "device": report.device if report else None,
        "refused": refused,
    }


def json_line(answer: dict[str, Any]) -> str:
    """One object on one line."""
    return json.dumps(answer, ensure_ascii=False, allow_nan=False)


def text_line(answer: dict[str, Any]) -> str:
    """One line for people."""
    if answer["outcome"] != "graded":
        return f"{answer['path']}: {answer['refused'] or answer['reason']}"
    shares = ", ".join(
        f"{grade} {share:.0%}" for grade, share in answer["probabilities"].items()
    )
    return (
        f"{answer['path']}: {answer['grade']} ({shares}), hydronephrosis index"
        f" {answer['hydronephrosis_index']:.2f}"
    )
