"""Grades image files with the worker's own pipeline."""

import json
from argparse import ArgumentParser
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from diagnosis.grading.errors import GradingError
from diagnosis.grading.pipeline import Grader
from diagnosis.grading.report import GradeReport
from diagnosis.imaging.decoding import decode
from diagnosis.imaging.desensitising import desensitise
from diagnosis.imaging.errors import ImageRefused
from diagnosis.loading import load_grader


class Command(BaseCommand):
    help = (
        "Grades PNG, JPEG or DICOM files, or all files under folders, as the worker"
        " does. No database is needed. Exit 1 where a path does not exist."
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
            "--weights", type=Path, default=settings.MODEL_DIR, metavar="DIR"
        )

    def handle(self, **options: Any) -> None:
        try:
            grader = load_grader(options["weights"])
        except GradingError as error:
            raise CommandError(str(error)) from error
        write = json_line if options["json"] else text_line
        for path in files_under(options["paths"]):
            answer = answer_for(path, grader, frame=options["frame"])
            self.stdout.write(write(answer))
            self.stdout.flush()
        missing = [str(path) for path in options["paths"] if not path.exists()]
        if missing:
            raise CommandError(f"No such file or folder: {', '.join(missing)}.")


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
