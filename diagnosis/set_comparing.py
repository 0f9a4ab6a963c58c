"""Grades a data set directly, and compares with what came through the exchange.

The paper's section 4.3: sending a set through the store must not change its grades.
"""

import time
from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from diagnosis import graders
from diagnosis.actions.set_checks import record_comparison
from diagnosis.intake.set_archive import unpack
from diagnosis.models import SetContent, SetRun, State
from diagnosis.set_results import SetResults, differing
from diagnosis.set_sealing import open_content, read_content
from diagnosis.set_worker import answers, batches
from portal.errors import Refused
from portal.row_security import UPKEEP, examining, in_the_name_of

SLICE_SECONDS = 60.0


@dataclass(frozen=True)
class Compared:
    """So many pictures graded directly; so many of them answered differently."""

    pictures: int
    differing: int
    goes_on: bool = False


def compare_slice(run_id: UUID) -> None:
    """Grade the next pictures of the hospital's own copy of the set, and compare.

    The hospital opens the set with its own key and grades it in this process: nothing
    of it goes through the diagnosis service.
    """
    with in_the_name_of(UPKEEP):
        found = SetRun.objects.filter(pk=run_id, state=State.DONE).first()
    if found is None or found.compared_at is not None:
        return
    with in_the_name_of(examining(found.data_set_id)):
        images = found.data_set.contents.get(kind=SetContent.Kind.IMAGES)
        stream = open_content(images, found.data_set.institution.holder_id)
        pictures = unpack(stream, after=found.compared)
        got = compare(found, pictures, seconds=SLICE_SECONDS)
        record_comparison(
            run=found,
            after=found.compared,
            compared=got.pictures,
            differing=got.differing,
            goes_on=got.goes_on,
        )


def compare(
    found: SetRun, pictures: Iterable[tuple[int, bytes]], *, seconds: float
) -> Compared:
    """Grade pictures in this process and count the answers that differ.

    Compared are grade, reason, every probability to the last bit, areas and mask.

    Args:
        found: the run whose results are the other side.
        pictures: numbers with desensitised PNGs.
        seconds: stop after so long.

    Raises:
        Refused: the weights here are not those that graded the run.
    """
    grader = graders.active()
    if grader.sha256 != found.weights_sha256:
        raise Refused(
            f"The weights here are {grader.manifest.version}, but the run was graded by"
            f" {found.model_version}: only the same weights can give the same answers."
        )
    theirs = _results(found).results
    until, done, others = time.monotonic() + seconds, 0, 0
    for batch in batches(pictures):
        if time.monotonic() > until:
            return Compared(done, others, goes_on=True)
        done += len(batch)
        others += differing(answers(grader, batch), theirs)
    return Compared(done, others)


def _results(found: SetRun) -> SetResults:
    content = found.contents.get(kind=SetContent.Kind.RESULTS)
    owner = found.data_set.institution.holder_id
    return SetResults.from_json(read_content(content, owner))
