"""What the diagnosis service's worker does with data sets, each picture graded once."""

import uuid
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from diagnosis.errors import ClaimLost
from diagnosis.homecoming import queue_homecoming
from diagnosis.models import Purpose, SetContent, SetResult, SetRun, SetWrap, State
from diagnosis.models.grading_job import ACTIVE, LOST, MAX_ATTEMPTS, SILENCE
from diagnosis.service import diagnosis_service
from diagnosis.set_recording import record_about_set
from diagnosis.set_sealing import Keeping, Sealed, keep, sealing_of
from diagnosis.set_transitions import move_run, queue_run, queue_validation
from ledger.events import Event


@transaction.atomic
def claim_run(*, run_id: UUID) -> SetRun | None:
    """Take a queued run for this worker alone.

    Who may: a worker of the gpu cluster.
    Records: nothing; the request is on the ledger already.

    Returns:
        the run with its claim, or None: somebody else has it, or it has ended.
    """
    run = SetRun.objects.select_for_update().filter(pk=run_id).first()
    if run is None or run.state != State.QUEUED:
        return None
    move_run(
        run,
        State.PREPARING,
        claim=uuid.uuid4(),
        heard_at=timezone.now(),
        attempts=run.attempts + 1,
    )
    return run


@transaction.atomic
def begin_run(*, run: SetRun, model_version: str, weights_sha256: str) -> None:
    """Say that the set is fetched and opened, and with which weights it is graded.

    Who may: the worker that holds the claim.
    Records: DATA_SET_FETCHED, with the set's CID and the weights' digest; once for
        each weights, however often the run is taken up again.
    Effects: what other weights have graded of the set is dropped.

    Raises:
        ClaimLost: the run was cancelled, or given to another worker.
    """
    held = _held(run)
    if held.weights_sha256 != weights_sha256:
        held.results.all().delete()
        held.done, held.started_at = 0, timezone.now()
        held.model_version, held.weights_sha256 = model_version, weights_sha256
        held.save(
            update_fields=["done", "started_at", "model_version", "weights_sha256"]
        )
        images = SetContent.objects.get(
            data_set=held.data_set_id, kind=SetContent.Kind.IMAGES
        )
        record_about_set(
            held.data_set,
            Event.DATA_SET_FETCHED,
            author=diagnosis_service(),
            run=held,
            metadata={"weights": weights_sha256, "model": model_version},
            sealing=sealing_of(images, []),
        )
    move_run(held, State.RUNNING)
    run.done, run.state = held.done, held.state


def beat_run(*, run: SetRun) -> None:
    """Say that the worker is alive.

    Who may: the worker that holds the claim.
    Records: nothing.

    Raises:
        ClaimLost: the run was cancelled, or given to another worker.
    """
    _update_claimed(run)


@transaction.atomic
def record_results(*, run: SetRun, rows: Sequence[tuple[int, bytes]]) -> None:
    """Keep the sealed results of the next pictures, all of them or none.

    Who may: the worker that holds the claim.
    Records: nothing; a run is recorded as a whole.

    Args:
        run: whose.
        rows: numbers, one after the other, each with its sealed result.

    Raises:
        ClaimLost: the run was cancelled, or given to another worker; nothing is kept.
    """
    last = rows[-1][0]
    # A worker that gets on is not one that dies of the same picture again and again.
    _update_claimed(run, done=last, attempts=1)
    SetResult.objects.bulk_create(
        SetResult(run=run, number=number, sealed=sealed) for number, sealed in rows
    )
    run.done = last


@transaction.atomic
def hand_back(*, run: SetRun) -> None:
    """Go to the end of the queue, so that no doctor waits for a whole set.

    Who may: the worker that holds the claim.
    Records: nothing.

    Raises:
        ClaimLost: the run was cancelled, or given to another worker.
    """
    held = _held(run)
    move_run(held, State.QUEUED, claim=None, attempts=0)
    queue_run(held)


@transaction.atomic
def save_run(*, run: SetRun) -> None:
    """Say that every picture is graded.

    Who may: the worker that holds the claim.
    Records: nothing.

    Raises:
        ClaimLost: the run was cancelled, or given to another worker.
    """
    move_run(_held(run), State.SAVING)


@transaction.atomic
def record_run(*, run: SetRun, results: Sealed) -> SetContent:
    """Keep the results and end the run, once however often the task was delivered.

    Who may: the worker that holds the claim.
    Records: DATA_SET_GRADED, signed by the diagnosis service, with the results' CID
        (CID_M of the paper's Fig. 7) and the weights' digest.
    Effects: the service's wrap is removed: it cannot open the set again. The hospital
        measures, where the set is for that.

    Raises:
        ClaimLost: the run was cancelled or given to another worker; nothing is kept.
    """
    held = _held(run)
    if held.state != State.SAVING:
        raise ClaimLost("Another worker has this run.")
    how = Keeping(
        event=Event.DATA_SET_GRADED,
        author=diagnosis_service(),
        metadata={"weights": held.weights_sha256, "model": held.model_version},
    )
    content = keep(results, {held.data_set.institution.holder_id}, how)
    _give_back(held)
    held.results.all().delete()
    move_run(held, State.DONE, ended_at=timezone.now())
    if held.data_set.purpose == Purpose.VALIDATION:
        queue_validation(held)
    queue_homecoming(content)
    return content


@transaction.atomic
def fail_run(*, run: SetRun, sentence: str, traceback: str) -> None:
    """End a run that cannot be finished.

    Who may: the worker that holds the claim, or the sweeper.
    Records: DATA_SET_FAILED.
    Effects: what was graded stays, sealed, so that a retry goes on there.

    Raises:
        ClaimLost: the run was cancelled or given to another worker.
    """
    held = _held(run)
    move_run(
        held,
        State.FAILED,
        failure=sentence[:300],
        traceback=traceback,
        ended_at=timezone.now(),
    )
    record_about_set(
        held.data_set, Event.DATA_SET_FAILED, author=diagnosis_service(), run=held
    )


def sweep_runs() -> int:
    """Give runs of dead workers to living ones; too many tries end in failure.

    A run or a report whose task was lost gets another task.

    Who may: the scheduled task of the default cluster.
    Records: DATA_SET_FAILED for those given up.

    Returns:
        how many runs were taken from dead workers.
    """
    silent_since = timezone.now() - SILENCE
    dead = SetRun.objects.filter(state__in=ACTIVE, heard_at__lt=silent_since)
    swept = [_take_from_the_dead(run) for run in dead]
    _queue_again()
    return sum(swept)


@transaction.atomic
def _queue_again() -> None:
    lost = SetRun.objects.select_for_update(of=("self",), skip_locked=True).filter(
        queued_at__lt=timezone.now() - LOST
    )
    for run in lost.filter(state=State.QUEUED):
        queue_run(run)
    unmeasured = lost.filter(
        state=State.DONE, data_set__purpose=Purpose.VALIDATION, report_failure=""
    ).exclude(contents__kind=SetContent.Kind.VALIDATION)
    for run in unmeasured:
        queue_validation(run)


@transaction.atomic
def _take_from_the_dead(run: SetRun) -> bool:
    try:
        held = _held(run)
    except ClaimLost:
        return False
    if held.heard_at != run.heard_at:
        return False
    if held.attempts >= MAX_ATTEMPTS:
        sentence = (
            f"The worker stopped {held.attempts} times while grading picture"
            f" {held.done + 1} of this set."
        )
        fail_run(run=held, sentence=sentence, traceback="")
    else:
        move_run(held, State.QUEUED, claim=None)
        queue_run(held)
    return True


def _held(run: SetRun) -> SetRun:
    held = SetRun.objects.select_for_update(of=("self",)).get(pk=run.pk)
    if held.claim != run.claim or held.is_finished:
        raise ClaimLost("Another worker has this run, or it was cancelled.")
    return held


def _update_claimed(run: SetRun, **changes: Any) -> None:
    held = SetRun.objects.filter(pk=run.pk, claim=run.claim, state__in=ACTIVE)
    if not held.update(heard_at=timezone.now(), **changes):
        raise ClaimLost("Another worker has this run, or it was cancelled.")


def _give_back(run: SetRun) -> None:
    SetWrap.objects.filter(
        content__data_set=run.data_set_id,
        content__kind=SetContent.Kind.IMAGES,
        holder_id=diagnosis_service().holder_id,
    ).delete()
