"""What a hospital's people do with data sets."""

from collections.abc import Iterable

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from diagnosis.models import (
    TRANSITIONS,
    DataSet,
    PublishedReport,
    Purpose,
    SetContent,
    SetRun,
    SetState,
    SetWrap,
    State,
)
from diagnosis.models.grading_job import UNFINISHED
from diagnosis.permissions import check_may_handle_set, check_may_send_sets
from diagnosis.service import diagnosis_service
from diagnosis.set_recording import record_about_set
from diagnosis.set_results import SetResults
from diagnosis.set_sealing import (
    Keeping,
    give,
    keep,
    put_sealed,
    read_content,
    sealing_of,
)
from diagnosis.set_transitions import (
    move_run,
    queue_check,
    queue_comparison,
    queue_run,
)
from ledger.events import Event
from portal.acting import Acting
from portal.errors import Refused


def add_data_set(
    *, title: str, purpose: Purpose, content: Iterable[bytes], by: Acting
) -> DataSet:
    """Take an archive in, sealed for the hospital alone, and have it looked at.

    Who may: a doctor or an admin of a hospital.
    Records: DATA_SET_ADDED.
    Effects: the hospital's own worker says what becomes of each file; nothing is sent
        to the diagnosis service.

    Raises:
        Refused: not allowed.
        KeyUnavailable, StoreUnavailable: nothing is kept.
    """
    institution = check_may_send_sets(by)
    data_set = DataSet(
        institution=institution, made_by=by.user, title=title, purpose=purpose
    )
    sealed = put_sealed(data_set, SetContent.Kind.UPLOAD, content)
    with transaction.atomic():
        data_set.save(force_insert=True)
        how = Keeping(event=Event.DATA_SET_ADDED, author=institution, by=by)
        keep(sealed, {institution.holder_id}, how)
        queue_check(data_set)
    return data_set


@transaction.atomic
def request_run(*, data_set: DataSet, by: Acting) -> SetRun:
    """Give the diagnosis service a data set: its CID with the key to it.

    Who may: a doctor or an admin of the hospital whose set it is.
    Records: DATA_SET_GIVEN, with the set's CID (CID_H of the paper's Fig. 7).
    Effects: the pictures' key is wrapped for the service; the task is queued on commit.

    Raises:
        Refused: not allowed, not ready, or being graded already.
        KeyUnavailable, RecordDamaged: nothing changed.
    """
    check_may_handle_set(by, data_set)
    held = DataSet.objects.select_for_update().get(pk=data_set.pk)
    if held.state != SetState.READY:
        raise Refused("Only a data set that was looked at and found ready can be sent.")
    if held.runs.filter(state__in=UNFINISHED).exists():
        raise Refused("This data set is being graded already.")
    run = SetRun.objects.create(data_set=held, requested_by=by.user)
    _give(run, by)
    return run


@transaction.atomic
def retry_run(*, run: SetRun, by: Acting) -> None:
    """Queue a run again that failed; it goes on after the last picture graded.

    Who may: a doctor or an admin of the hospital whose set it is.
    Records: DATA_SET_GIVEN.

    Raises:
        Refused: not allowed, it has not failed, or the set is being graded already.
    """
    check_may_handle_set(by, run.data_set)
    DataSet.objects.select_for_update().get(pk=run.data_set_id)
    held = SetRun.objects.select_for_update().get(pk=run.pk)
    if held.state != State.FAILED:
        raise Refused("Only a run that failed can be tried again.")
    if SetRun.objects.filter(data_set=held.data_set_id, state__in=UNFINISHED).exists():
        raise Refused("This data set is being graded already.")
    move_run(
        held,
        State.QUEUED,
        claim=None,
        attempts=0,
        failure="",
        traceback="",
        ended_at=None,
    )
    _give(held, by)


@transaction.atomic
def cancel_run(*, run: SetRun, by: Acting) -> None:
    """Call a run off.

    Who may: a doctor or an admin of the hospital whose set it is.
    Records: DATA_SET_CANCELLED.
    Effects: the service's wrap is removed and what it graded so far is dropped.

    Raises:
        Refused: not allowed, or the run is being saved or has ended.
    """
    check_may_handle_set(by, run.data_set)
    held = SetRun.objects.select_for_update().get(pk=run.pk)
    if State.CANCELLED not in TRANSITIONS[State(held.state)]:
        raise Refused("It is too late to cancel: the results are there or being saved.")
    _service_wraps(held).delete()
    held.results.all().delete()
    move_run(held, State.CANCELLED, ended_at=timezone.now(), claim=None)
    record_about_set(
        held.data_set,
        Event.DATA_SET_CANCELLED,
        author=held.data_set.institution,
        by=by,
        run=held,
    )


def fetch_results(*, run: SetRun, by: Acting) -> SetResults:
    """Fetch a run's results by their CID and open them with the hospital's key.

    Who may: a doctor or an admin of the hospital whose set it is.
    Records: RESULTS_FETCHED, with CID_M.

    Raises:
        Refused: not allowed, or there are none yet.
        RecordDamaged: they are not what the ledger says they are.
        StorageError: a block is missing or damaged, or the store does not answer.
    """
    check_may_handle_set(by, run.data_set)
    content = run.contents.filter(kind=SetContent.Kind.RESULTS).first()
    if content is None:
        raise Refused("This run has no results yet.")
    institution = run.data_set.institution
    opened = read_content(content, institution.holder_id)
    with transaction.atomic():
        record_about_set(
            run.data_set,
            Event.RESULTS_FETCHED,
            author=institution,
            by=by,
            run=run,
            sealing=sealing_of(content, content.wraps.all()),
        )
    return SetResults.from_json(opened)


@transaction.atomic
def request_comparison(*, run: SetRun, by: Acting) -> None:
    """Have the set graded directly, too, and compared with what the exchange gave.

    Who may: a doctor or an admin of the hospital whose set it is.
    Records: nothing; the comparison, when it is made, is recorded.

    Raises:
        Refused: not allowed, or there are no results yet.
    """
    check_may_handle_set(by, run.data_set)
    held = SetRun.objects.select_for_update().get(pk=run.pk)
    if held.state != State.DONE:
        raise Refused("Only results that are there can be compared.")
    held.compared, held.differing, held.compared_at = 0, 0, None
    held.save(update_fields=["compared", "differing", "compared_at"])
    queue_comparison(held)


@transaction.atomic
def publish_validation(
    *, run: SetRun, figures: dict[str, object], by: Acting
) -> PublishedReport:
    """Show everybody who is signed in the figures of a validation, never an image.

    Who may: a doctor or an admin of the hospital whose set it is.
    Records: VALIDATION_PUBLISHED.

    Raises:
        Refused: not allowed, or they are published already.
    """
    check_may_handle_set(by, run.data_set)
    held = SetRun.objects.select_for_update().get(pk=run.pk)
    if PublishedReport.objects.filter(run=held).exists():
        raise Refused("These figures are published already.")
    institution = held.data_set.institution
    published = PublishedReport.objects.create(
        run=held,
        hospital=institution.name,
        model_version=held.model_version,
        weights_sha256=held.weights_sha256,
        figures=figures,
        by=by.user,
    )
    record_about_set(
        held.data_set, Event.VALIDATION_PUBLISHED, author=institution, by=by, run=held
    )
    return published


def _service_wraps(run: SetRun) -> QuerySet[SetWrap]:
    return SetWrap.objects.filter(
        content__data_set=run.data_set_id,
        content__kind=SetContent.Kind.IMAGES,
        holder_id=diagnosis_service().holder_id,
    )


def _give(run: SetRun, by: Acting) -> None:
    """Wrap the pictures' key for the service, say so and queue the task."""
    institution, service = run.data_set.institution, diagnosis_service()
    images = SetContent.objects.get(
        data_set=run.data_set_id, kind=SetContent.Kind.IMAGES
    )
    _service_wraps(run).delete()
    wrap = give(images, owner=institution.holder_id, to=service.holder_id)
    record_about_set(
        run.data_set,
        Event.DATA_SET_GIVEN,
        author=institution,
        by=by,
        run=run,
        sealing=sealing_of(images, [wrap]),
    )
    queue_run(run)
