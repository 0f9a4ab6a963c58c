"""What the hospital's own worker does with its data sets, each looked at once."""

import logging
import uuid
from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from diagnosis.errors import ClaimLost
from diagnosis.intake.outcomes import Outcome, Status
from diagnosis.models import DataSet, SetContent, SetRun, SetState
from diagnosis.models.grading_job import LOST, MAX_ATTEMPTS, SILENCE
from diagnosis.set_recording import record_about_set
from diagnosis.set_sealing import Keeping, Sealed, keep
from diagnosis.set_transitions import move_set, queue_check, queue_comparison
from ledger.events import Event
from portal.row_security import UPKEEP, in_the_name_of
from records.content import content_store
from records.storage.cids import parse_cid
from records.storage.errors import StorageError

logger = logging.getLogger(__name__)


def claim_check(*, set_id: UUID) -> DataSet | None:
    """Take a waiting data set for this worker alone; one is looked at at a time.

    So that a large archive leaves room for the site's other background work.

    Who may: a worker of the default cluster.
    Records: nothing; that it was sent is on the ledger already.

    Returns:
        the set with its claim, or None: another one is looked at now, somebody else
        has it, or it has been looked at.
    """
    now = timezone.now()
    with in_the_name_of(UPKEEP):
        others = DataSet.objects.filter(
            state=SetState.CHECKING, heard_at__gt=now - SILENCE
        )
        if others.exists():
            return None
    with transaction.atomic():
        found = DataSet.objects.select_for_update().filter(pk=set_id).first()
        if found is None or found.state != SetState.WAITING:
            return None
        move_set(
            found,
            SetState.CHECKING,
            claim=uuid.uuid4(),
            heard_at=now,
            attempts=found.attempts + 1,
            looked_at=0,
        )
    return found


def beat_check(*, data_set: DataSet, looked_at: int | None = None) -> None:
    """Say that the worker is alive, and how many files it has looked at.

    Who may: the worker that holds the claim.
    Records: nothing.

    Raises:
        ClaimLost: another worker has it.
    """
    changes = {} if looked_at is None else {"looked_at": looked_at}
    held = DataSet.objects.filter(
        pk=data_set.pk, claim=data_set.claim, state=SetState.CHECKING
    )
    if not held.update(heard_at=timezone.now(), **changes):
        raise ClaimLost("Another worker has this data set.")


def record_check(
    *,
    data_set: DataSet,
    outcomes: Sequence[Outcome],
    manifest: Sealed,
    images: Sealed | None,
) -> None:
    """Keep what became of each file, and the pictures that can be graded.

    Who may: the worker that holds the claim.
    Records: DATA_SET_CHECKED; DATA_SET_STORED with the set's CID (CID_H), or
        DATA_SET_REFUSED where no file can be used.
    Effects: the archive as it came is given up.

    Raises:
        ClaimLost: another worker has it; nothing is kept.
    """
    usable = sum(outcome.status is Status.USED for outcome in outcomes)
    with transaction.atomic():
        held = _held(data_set)
        hospital = held.institution
        checked = Keeping(
            event=Event.DATA_SET_CHECKED,
            author=hospital,
            metadata={"files": len(outcomes), "usable": usable},
        )
        keep(manifest, {hospital.holder_id}, checked)
        now = timezone.now()
        if images is None:
            record_about_set(held, Event.DATA_SET_REFUSED, author=hospital)
            sentence = "None of its files can be used; each says why."
            move_set(held, SetState.REFUSED, failure=sentence, checked_at=now)
        else:
            keep(
                images,
                {hospital.holder_id},
                Keeping(event=Event.DATA_SET_STORED, author=hospital),
            )
            move_set(
                held,
                SetState.READY,
                files=len(outcomes),
                usable=usable,
                looked_at=len(outcomes),
                checked_at=now,
            )
        _give_up_archive(held)
    _queue_next()


def refuse_check(*, data_set: DataSet, sentence: str) -> None:
    """End a data set of which nothing can be used.

    Who may: the worker that holds the claim, or the sweeper.
    Records: DATA_SET_REFUSED.
    Effects: the archive as it came is given up.

    Raises:
        ClaimLost: another worker has it.
    """
    with transaction.atomic():
        held = _held(data_set)
        move_set(
            held,
            SetState.REFUSED,
            failure=sentence[:300],
            checked_at=timezone.now(),
        )
        record_about_set(held, Event.DATA_SET_REFUSED, author=held.institution)
        _give_up_archive(held)
    _queue_next()


@transaction.atomic
def record_validation(*, run: SetRun, report: Sealed) -> SetContent | None:
    """Keep a validation report, once however often the task was delivered.

    Who may: the hospital's own worker.
    Records: VALIDATION_RECORDED, signed by the hospital: its labels made the figures.

    Returns:
        the report, or None where there is one already.
    """
    held = SetRun.objects.select_for_update().get(pk=run.pk)
    if held.contents.filter(kind=SetContent.Kind.VALIDATION).exists():
        return None
    hospital = held.data_set.institution
    held.report_failure = ""
    held.save(update_fields=["report_failure"])
    how = Keeping(
        event=Event.VALIDATION_RECORDED,
        author=hospital,
        metadata={"weights": held.weights_sha256, "model": held.model_version},
    )
    return keep(report, {hospital.holder_id}, how)


@transaction.atomic
def note_validation_failure(*, run: SetRun, sentence: str) -> None:
    """Say why there is no validation report.

    Who may: the hospital's own worker.
    Records: nothing; nothing happened.
    """
    held = SetRun.objects.select_for_update().get(pk=run.pk)
    held.report_failure = sentence[:300]
    held.save(update_fields=["report_failure"])


@transaction.atomic
def record_comparison(
    *, run: SetRun, after: int, compared: int, differing: int, goes_on: bool
) -> None:
    """Keep how many pictures, graded directly, got the very same answer.

    Who may: the hospital's own worker, or whoever compares on the hospital's machine.
    Records: EXCHANGE_COMPARED, once all were compared.

    Args:
        run: whose results were compared.
        after: how many had been compared before; another number there now means that
            this was delivered twice, and nothing is kept.
        compared: how many more.
        differing: how many of those got another answer.
        goes_on: there are more to come; a task for them is queued.
    """
    held = SetRun.objects.select_for_update().get(pk=run.pk)
    if held.compared != after or held.compared_at is not None:
        return
    held.compared += compared
    held.differing += differing
    if goes_on:
        queue_comparison(held)
    else:
        held.compared_at = timezone.now()
        record_about_set(
            held.data_set,
            Event.EXCHANGE_COMPARED,
            author=held.data_set.institution,
            run=held,
            metadata={"compared": held.compared, "differing": held.differing},
        )
    held.save(update_fields=["compared", "differing", "compared_at"])


def sweep_checks() -> int:
    """Give data sets of dead workers to living ones; too many tries end in a refusal.

    Who may: the scheduled task of the default cluster.
    Records: DATA_SET_REFUSED for those given up.

    Returns:
        how many were taken from dead workers.
    """
    silent_since = timezone.now() - SILENCE
    dead = DataSet.objects.filter(state=SetState.CHECKING, heard_at__lt=silent_since)
    swept = [_take_from_the_dead(data_set) for data_set in dead]
    _queue_next(older_than=LOST)
    return sum(swept)


def _take_from_the_dead(data_set: DataSet) -> bool:
    if data_set.attempts >= MAX_ATTEMPTS:
        times = data_set.attempts
        sentence = f"The worker stopped {times} times while looking at this archive."
        try:
            refuse_check(data_set=data_set, sentence=sentence)
        except ClaimLost:
            return False
        return True
    with transaction.atomic():
        try:
            held = _held(data_set)
        except ClaimLost:
            return False
        if held.heard_at != data_set.heard_at:
            return False
        move_set(held, SetState.WAITING, claim=None)
        queue_check(held)
    return True


def _held(data_set: DataSet) -> DataSet:
    held = (
        DataSet.objects.select_for_update(of=("self",))
        .select_related("institution")
        .get(pk=data_set.pk)
    )
    if held.claim != data_set.claim or held.state != SetState.CHECKING:
        raise ClaimLost("Another worker has this data set.")
    return held


def _give_up_archive(data_set: DataSet) -> None:
    """Nobody opens it any more: what is needed of it was made."""
    archive = data_set.contents.filter(kind=SetContent.Kind.UPLOAD).first()
    if archive is None:
        return
    cid = parse_cid(archive.cid)
    archive.wraps.all().delete()
    archive.delete()

    def remove() -> None:
        try:
            content_store().remove(cid)
        except StorageError as error:
            logger.warning("An archive is still stored: %s", error)

    transaction.on_commit(remove)


@transaction.atomic
def _queue_next(*, older_than: timedelta = timedelta(0)) -> None:
    """The one that has waited longest; a second task for it is harmless."""
    with in_the_name_of(UPKEEP):
        waiting = (
            DataSet.objects.select_for_update(skip_locked=True)
            .filter(state=SetState.WAITING, queued_at__lt=timezone.now() - older_than)
            .order_by("created_at")
            .first()
        )
        if waiting:
            queue_check(waiting)
