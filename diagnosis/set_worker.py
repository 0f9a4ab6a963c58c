"""Grades one data set on the diagnosis service's side: from CID_H to CID_M."""

import traceback
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from time import monotonic
from uuid import UUID

from diagnosis import graders
from diagnosis.actions.set_runs import (
    beat_run,
    begin_run,
    claim_run,
    fail_run,
    hand_back,
    record_results,
    record_run,
    save_run,
)
from diagnosis.grading.errors import PixelsRejected
from diagnosis.grading.framing import Pixels
from diagnosis.grading.pipeline import Grader, check_pixels
from diagnosis.grading.report import GradeReport
from diagnosis.imaging.decoding import decode
from diagnosis.imaging.errors import ImageRefused
from diagnosis.intake.set_archive import unpack
from diagnosis.models import SetContent, SetRun
from diagnosis.service import diagnosis_service
from diagnosis.set_results import Result, ResultCipher, SetResults
from diagnosis.set_sealing import data_key_of, open_content, put_sealed
from diagnosis.undertaking import undertaking
from portal.row_security import in_the_name_of, running

BATCH = 8
"""Pictures graded and kept at once: as many at most are graded again after a death."""
SLICE_SECONDS = 60.0
"""After so long a run goes to the end of the queue: a doctor may be waiting."""


def run(run_id: UUID) -> None:
    """Grade a data set's next pictures, unless somebody else does or it has ended.

    Whatever goes wrong ends in the run's own failure, with a sentence for the user, a
    traceback for staff and the same correlation id for both.
    """
    with in_the_name_of(running(run_id)):
        found = claim_run(run_id=run_id)
        if found is not None:
            _run(found)


def _run(found: SetRun) -> None:
    with undertaking(
        f"Run {found.correlation_id}",
        beat=lambda: beat_run(run=found),
        give_up=lambda sentence: fail_run(
            run=found, sentence=sentence, traceback=traceback.format_exc()
        ),
        fault="The data set could not be graded",
        mark=found.correlation_id,
    ):
        _grade(found)


def _grade(found: SetRun) -> None:
    service = diagnosis_service().holder_id
    images = SetContent.objects.get(
        data_set=found.data_set_id, kind=SetContent.Kind.IMAGES
    )
    cipher = ResultCipher(data_key_of(images, service), found.pk)
    grader = graders.active()
    begin_run(
        run=found, model_version=grader.manifest.version, weights_sha256=grader.sha256
    )
    until = monotonic() + SLICE_SECONDS
    for batch in batches(unpack(open_content(images, service), after=found.done)):
        rows = [(each.number, cipher.seal(each)) for each in answers(grader, batch)]
        record_results(run=found, rows=rows)
        if monotonic() > until:
            hand_back(run=found)
            return
    save_run(run=found)
    _save(found, images, cipher, grader)


def _save(
    found: SetRun, images: SetContent, cipher: ResultCipher, grader: Grader
) -> None:
    rows = found.results.values_list("number", "sealed")
    whole = SetResults(
        data_set=str(found.data_set_id),
        images_cid=images.cid,
        model_version=grader.manifest.version,
        weights_sha256=grader.sha256,
        results=tuple(cipher.open(number, bytes(sealed)) for number, sealed in rows),
    )
    sealed = put_sealed(
        found.data_set, SetContent.Kind.RESULTS, [whole.to_json()], run=found
    )
    record_run(run=found, results=sealed)


def batches(
    pictures: Iterable[tuple[int, bytes]],
) -> Iterator[list[tuple[int, bytes]]]:
    """Some pictures at a time, as they come."""
    stream = iter(pictures)
    while batch := list(islice(stream, BATCH)):
        yield batch


def answers(grader: Grader, batch: Sequence[tuple[int, bytes]]) -> list[Result]:
    """Grade pictures; one that cannot be graded has a reason instead.

    Whoever grades a set, through the exchange or directly, does it here.
    """
    frames: dict[int, Pixels] = {}
    reasons: dict[int, str] = {}
    for number, png in batch:
        try:
            frames[number] = decode(png).pixels
        except ImageRefused as refusal:
            reasons[number] = refusal.sentence
    reports = dict(
        zip(frames, grade_frames(grader, list(frames.values())), strict=True)
    )
    return [
        Result.of(number, report)
        if isinstance(report := reports.get(number), GradeReport)
        else Result(number, None, reasons.get(number, str(report)), None)
        for number, _ in batch
    ]


def grade_frames(
    grader: Grader, frames: Sequence[Pixels]
) -> list[GradeReport | PixelsRejected]:
    """The networks' answers to several frames, in their order."""
    refusals = [_refusal(pixels) for pixels in frames]
    sound = [f for f, refusal in zip(frames, refusals, strict=True) if refusal is None]
    reports = grader.grade_many(sound)
    return [refusal or next(reports) for refusal in refusals]


def _refusal(pixels: Pixels) -> PixelsRejected | None:
    """Why the networks cannot take a frame, if they cannot."""
    try:
        check_pixels(pixels)
    except PixelsRejected as refusal:
        return refusal
    return None
